// s3parts is the limit for one large object: signed (SigV4) parts over -c kept-alive connections, each
// with its CRC-32, and ranged GETs into a file, each summed up as it comes (to compare the sums costs
// nothing, and is left out). Nothing waits for the disk, as with the clients beside it. As with every client, a
// body is part of the signature where the connection is not encrypted; -unsigned leaves it out. It
// knows no retries and no errors but the end.
//
//	s3parts put FILE BUCKET/KEY
//	s3parts get BUCKET/KEY FILE
//
// Endpoint and keys: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"golang.org/x/sync/errgroup"
)

var (
	conns  = flag.Int("c", 8, "connections")
	size   = flag.Int64("part", 8<<20, "bytes of a part")
	bare   = flag.Bool("unsigned", false, "do not sign bodies")
	client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10}}
	signer = v4.NewSigner()
)

func main() {
	flag.Parse()
	var err error
	switch a := flag.Args(); {
	case len(a) == 3 && a[0] == "put":
		err = put(a[1], a[2])
	case len(a) == 3 && a[0] == "get":
		err = get(a[1], a[2])
	default:
		err = fmt.Errorf("usage: s3parts put FILE BUCKET/KEY | get BUCKET/KEY FILE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "s3parts:", err)
		os.Exit(1)
	}
}

// do sends a request.
func do(method, target string, body []byte, header map[string]string) (*http.Response, error) {
	r, err := http.NewRequest(method, os.Getenv("AWS_ENDPOINT_URL")+"/"+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, v := range header {
		r.Header.Set(name, v)
	}
	payload := "UNSIGNED-PAYLOAD"
	if !*bare {
		sum := sha256.Sum256(body)
		payload = hex.EncodeToString(sum[:])
	}
	r.Header.Set("X-Amz-Content-Sha256", payload)
	who := aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}
	if err := signer.SignHTTP(context.Background(), who, r, payload, "s3", "us-east-1", time.Now()); err != nil {
		return nil, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		said, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("%s %s: %s\n%s", method, target, resp.Status, said)
	}
	return resp, nil
}

func drain(resp *http.Response) error {
	_, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close() // it is read
	return err
}

func put(file, key string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	resp, err := do(http.MethodPost, key+"?uploads=", nil, map[string]string{"X-Amz-Checksum-Algorithm": "CRC32", "X-Amz-Checksum-Type": "FULL_OBJECT"})
	if err != nil {
		return err
	}
	var made struct{ UploadId string }
	if err := xml.NewDecoder(resp.Body).Decode(&made); err != nil {
		return err
	}
	if err := drain(resp); err != nil {
		return err
	}
	type part struct {
		PartNumber    int
		ETag          string
		ChecksumCRC32 string
	}
	done := make([]part, (info.Size()+*size-1) / *size)
	var sending errgroup.Group
	sending.SetLimit(*conns)
	for i := range done {
		sending.Go(func() error {
			body := make([]byte, min(*size, info.Size()-int64(i)**size))
			if _, err := f.ReadAt(body, int64(i)**size); err != nil {
				return err
			}
			sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
			resp, err := do(http.MethodPut, fmt.Sprintf("%s?partNumber=%d&uploadId=%s", key, i+1, made.UploadId), body, map[string]string{"X-Amz-Checksum-Crc32": sum})
			if err != nil {
				return err
			}
			done[i] = part{i + 1, resp.Header.Get("ETag"), sum}
			return drain(resp)
		})
	}
	if err := sending.Wait(); err != nil {
		return err
	}
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []part
	}{Part: done})
	if err != nil {
		return err
	}
	resp, err = do(http.MethodPost, key+"?uploadId="+made.UploadId, body, nil)
	if err != nil {
		return err
	}
	return drain(resp)
}

func get(key, file string) error {
	resp, err := do(http.MethodHead, key, nil, nil)
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // a HEAD has none
	all := resp.ContentLength
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	var reading errgroup.Group
	reading.SetLimit(*conns)
	for at := int64(0); at < all; at += *size {
		reading.Go(func() error {
			n := min(*size, all-at)
			resp, err := do(http.MethodGet, key, nil, map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", at, at+n-1)})
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			got, err := io.CopyBuffer(io.MultiWriter(io.NewOffsetWriter(f, at), crc32.NewIEEE()), resp.Body, make([]byte, 256<<10))
			if err == nil && got != n {
				err = fmt.Errorf("%d of %d bytes came of the part at %d", got, n, at)
			}
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		return err
	}
	return f.Close()
}
