package sandbox

import (
	"encoding/xml"
	"errors"
	"net/http"
)

// A fault is a refusal in S3's own words, which the SDKs act on.
type fault struct {
	status  int
	code    string
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

var (
	errNoSignature   = &fault{403, "AccessDenied", "The request is not signed."}
	errUnknownKey    = &fault{403, "InvalidAccessKeyId", "The access key is not this sandbox's."}
	errSignature     = &fault{403, "SignatureDoesNotMatch", "The signature does not fit the request."}
	errSkewed        = &fault{403, "RequestTimeTooSkewed", "The request's time is too far from the server's."}
	errExpired       = &fault{403, "AccessDenied", "The request has expired."}
	errNoBucket      = &fault{404, "NoSuchBucket", "The bucket does not exist."}
	errBucketName    = &fault{400, "InvalidBucketName", "The bucket's name is not valid."}
	errBucketThere   = &fault{409, "BucketAlreadyOwnedByYou", "The bucket exists."}
	errBucketFull    = &fault{409, "BucketNotEmpty", "The bucket is not empty."}
	errNoKey         = &fault{404, "NoSuchKey", "The key does not exist."}
	errKeyTooLong    = &fault{400, "KeyTooLongError", "The key has more than 1024 bytes."}
	errPrecondition  = &fault{412, "PreconditionFailed", "A condition of the request does not hold."}
	errUnchanged     = &fault{304, "NotModified", ""}
	errRange         = &fault{416, "InvalidRange", "The range is not within the object."}
	errDigest        = &fault{400, "BadDigest", "The body does not fit its checksum."}
	errPayload       = &fault{400, "XAmzContentSHA256Mismatch", "The body does not fit its SHA-256."}
	errIncomplete    = &fault{400, "IncompleteBody", "The body is not as long as was announced."}
	errTooLarge      = &fault{400, "EntityTooLarge", "The body is larger than 5 GiB."}
	errTooSmall      = &fault{400, "EntityTooSmall", "A part other than the last has less than 5 MiB."}
	errMalformed     = &fault{400, "MalformedXML", "The body is not the XML that was expected."}
	errNoUpload      = &fault{404, "NoSuchUpload", "The upload does not exist."}
	errPart          = &fault{400, "InvalidPart", "A part does not exist or is another one."}
	errPartOrder     = &fault{400, "InvalidPartOrder", "The parts are not in ascending order."}
	errMethod        = &fault{405, "MethodNotAllowed", "The method is not allowed here."}
	errNotThere      = &fault{501, "NotImplemented", "The sandbox does not have this operation."}
	errWork          = &fault{500, "InternalError", "The sandbox cannot read or write its folder."}
	errBadConditions = &fault{501, "NotImplemented", "The sandbox does not have this condition."}
)

func invalid(message string) *fault { return &fault{400, "InvalidArgument", message} }

// refuse answers with a failure. Causes that are no faults stay inside: they name files.
func refuse(w http.ResponseWriter, err error) {
	f := errWork
	errors.As(err, &f)
	for _, name := range []string{"Content-Length", "Content-Range", "Content-Type", "Content-Encoding"} {
		w.Header().Del(name)
	}
	if f.status == http.StatusNotModified {
		w.WriteHeader(f.status)
		return
	}
	answer(w, f.status, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: f.code, Message: f.message})
}

// answer sends v as XML. A client that has gone is told nothing.
func answer(w http.ResponseWriter, status int, v any) {
	raw, err := xml.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), raw...))
}
