package awsconf

import "net/url"

// The services that more than one package calls.
var (
	DynamoDB = JSON{ID: "DynamoDB", Service: "dynamodb", Target: "DynamoDB_20120810", Version: "1.0"}
	Lambda   = REST{ID: "Lambda", Service: "lambda"}
)

// Host is where calls of a service go, as far as the environment alone tells: a host, or the service's
// name where it is AWS's own. variable is the service as in AWS_ENDPOINT_URL_DYNAMODB.
func Host(env []string, variable, service string) string {
	if u, err := url.Parse(From(env).Endpoint(variable)); err == nil && u.Host != "" {
		return u.Host
	}
	return service
}
