package cli

import (
	"os"
	"slices"

	"weft/awsconf"
	"weft/config"
)

// whoIs are the variables that say whose credentials count; one of them, and a profile of weft.yaml does not.
var whoIs = []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"}

// becomeForAWS makes what weft.yaml says of AWS variables of weft's own environment, where that is silent: so
// the handoff, secrets, plugins and processes all read it as they read any.
func becomeForAWS(c config.AWS) error {
	set := func(value string, unless []string, names ...string) error {
		if value == "" || slices.ContainsFunc(unless, func(name string) bool { return os.Getenv(name) != "" }) {
			return nil
		}
		for _, name := range names {
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
		return nil
	}
	if err := set(c.Profile, whoIs, "AWS_PROFILE"); err != nil {
		return err
	}
	regions := []string{"AWS_REGION", "AWS_DEFAULT_REGION"}
	if err := set(c.Region, regions, regions...); err != nil {
		return err
	}
	if os.Getenv(awsconf.RoleARN) != "" {
		return nil
	}
	for name, value := range map[string]string{
		awsconf.RoleARN: c.RoleARN, awsconf.RoleExternalID: c.ExternalID, awsconf.RoleSession: c.RoleSessionName,
	} {
		if err := set(value, nil, name); err != nil {
			return err
		}
	}
	return nil
}
