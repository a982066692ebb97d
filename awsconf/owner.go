package awsconf

import smithyhttp "github.com/aws/smithy-go/transport/http"

// OwnedBy is the session for calls about buckets of one account alone, named by its 12 digits: S3
// refuses (Denied) what is about another's, whatever that one's policies allow.
func (s *Session) OwnedBy(account string) *Session {
	own := &Session{Config: s.Config, settings: s.settings, stall: s.stall, lean: newLean(), owner: account}
	own.s3 = onceS3(own, smithyhttp.SetHeaderValue("X-Amz-Expected-Bucket-Owner", account))
	return own
}
