package awsconf

import "strings"

// A partition is a part of AWS with hosts of its own.
type partition struct {
	regions string // how the names of its regions begin
	suffix  string // of its hosts
	dual    string // of its hosts that answer by IPv6 too
	// Two services whose ordinary host is the FIPS one, or answers by IPv6; "" = none.
	plainFIPS, plainDual string
}

// partitions is the SDK's table, which is closed to all but its own clients. The last is for all
// other regions, and so for those that are new.
var partitions = []partition{
	{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "", "secretsmanager"},
	{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "", ""},
	{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "", ""},
	{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "", ""},
	{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "", ""},
	{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "", ""},
	{"us-gov-", "amazonaws.com", "api.aws", "ssm", "secretsmanager"},
	{"", "amazonaws.com", "api.aws", "", "secretsmanager"},
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.regions) {
			return p
		}
	}
	panic("the last partition takes every region")
}

// A host is what the name of a service's host is made of.
type host struct {
	service, region string
	fips, dual      bool
}

// String is the host as DNS knows it.
func (h host) String() string {
	p := partitionOf(h.region)
	name, suffix := h.service, p.suffix
	if h.fips && (h.dual || h.service != p.plainFIPS) {
		name += "-fips"
	}
	if h.dual && h.service != p.plainDual {
		suffix = p.dual
	}
	return name + "." + h.region + "." + suffix
}
