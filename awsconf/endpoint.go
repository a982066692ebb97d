package awsconf

// Endpoint is the URL at which the session's settings have a service ("SSM", "SECRETS_MANAGER"),
// for whoever makes a client of it; "" = AWS's own.
func (s *Session) Endpoint(service string) string { return s.settings.Endpoint(service) }
