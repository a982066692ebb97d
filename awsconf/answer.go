package awsconf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// judge tells what a whole answer means; nil if the call was carried out. What is right is an object or
// nothing, but where any JSON may come.
func judge(resp *http.Response, body []byte, anyJSON bool) *failure {
	body = bytes.TrimSpace(body)
	object := len(body) > 0 && body[0] == '{'
	if resp.StatusCode/100 == 2 {
		switch {
		case len(body) == 0, (object || anyJSON) && json.Valid(body):
			return nil
		case object: // cut off, by something that did not know how long it is
			return &failure{error: &Error{Fault: Broken, Text: "the service's answer is cut off"}, unsure: true}
		}
		return &failure{error: notAWS(), unsure: true}
	}
	api := refusal(resp, body)
	// Only a service that speaks for itself knows that it has done nothing, and not even all of those.
	spoke := api.Code != "" && (resp.StatusCode < 500 || resp.StatusCode == http.StatusServiceUnavailable)
	switch {
	case api.Code != "":
	case resp.StatusCode >= 500:
		api.Code = strings.ReplaceAll(http.StatusText(resp.StatusCode), " ", "")
	case resp.StatusCode == http.StatusTooManyRequests:
		api.Code, spoke = "TooManyRequestsException", true
	default:
		e := notAWS()
		e.Text += ": " + strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", http.StatusText(resp.StatusCode)))
		return &failure{error: e}
	}
	return &failure{error: answered(resp, api), unsure: !spoke}
}

// refusal reads the code and the message of an error; no code if the answer is of another make.
func refusal(resp *http.Response, body []byte) *smithy.GenericAPIError {
	var said struct {
		Type    string `json:"__type"`
		Code    any    `json:"code"`    // where some services have it, some of them as a number
		Message string `json:"message"` // also Message: names are taken without regard to case
	}
	_ = json.Unmarshal(body, &said) // what cannot be read says nothing
	code := resp.Header.Get("X-Amzn-Errortype")
	if code == "" {
		code = said.Type
	}
	if code == "" {
		code, _ = said.Code.(string)
	}
	code, _, _ = strings.Cut(code, ":") // Code:http://…
	code = code[strings.LastIndex(code, "#")+1:]
	return &smithy.GenericAPIError{Code: code, Message: said.Message}
}

// answered joins an error with the answer it came by, as the SDK does: its status decides about
// retries, its number helps AWS to find it. The request, with its signature, stays behind.
func answered(resp *http.Response, err error) error {
	id := resp.Header.Get("X-Amzn-Requestid")
	if id == "" {
		id = resp.Header.Get("X-Amz-Requestid")
	}
	head := &http.Response{Status: resp.Status, StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody}
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: head}, Err: err}, RequestID: id,
	}
}

// notAWS is the error of an answer that no service of AWS gives: the page of a portal or a proxy.
func notAWS() *Error {
	return &Error{Fault: Other, Text: "what answers there is no service of AWS", Hint: "check AWS_ENDPOINT_URL and what lies between, such as a proxy"}
}

// CodeOf is the service's own name of what went wrong, "ParameterNotFound"; "" if it named nothing.
func CodeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Said is what the service itself says of a failure, without the full stop; "" if it said nothing.
func Said(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSpace(api.ErrorMessage()), ".")
}

// RequestID is the number under which AWS knows the call that failed; "" if it gave none.
func RequestID(err error) string {
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		return resp.RequestID
	}
	return ""
}

// tellsOfClocks tells whether a refusal may be the fault of a clock: of the signature's time.
func tellsOfClocks(err error) bool {
	switch CodeOf(err) {
	case "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "RequestTimeTooSkewed", "RequestExpired", "AccessDeniedException":
		return true
	}
	return false
}
