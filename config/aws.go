package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// An AWS is who weft is for AWS, and where, unless its environment says so.
type AWS struct{ Profile, Region, RoleARN, ExternalID, RoleSessionName string }

// A Sandbox is what --sandbox is beside its services.
type Sandbox struct {
	Lambda map[string]Program // functions by name
	Faults []Fault
}

// A Program is a command of this machine.
type Program struct {
	Argv []string
	Dir  string // the folder of the file that names it
}

// A Fault is something that is to go wrong in the sandbox.
type Fault struct {
	Service, Operation, Code string
	Times                    int
	Lost                     bool
}

var roleForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`) })

// aws reads {profile, region, role_arn, …}.
func (t *tree) aws(s Setting, n *yaml.Node) {
	if !t.is(n, yaml.MappingNode, s.Key+": write a map, such as {profile: data, region: eu-west-1}") {
		return
	}
	into := &t.loader.conf.AWS
	fields := map[string]*string{
		"profile": &into.Profile, "region": &into.Region, "role_arn": &into.RoleARN,
		"external_id": &into.ExternalID, "role_session_name": &into.RoleSessionName,
	}
	t.members(s.Key, n, []string{"profile", "region", "role_arn", "external_id", "role_session_name"}, func(key string, v *yaml.Node) {
		what := s.Key + "." + key
		if !t.is(v, yaml.ScalarNode, what+": write one text") {
			return
		}
		switch {
		case v.Value == "":
			t.problem(v, what+": write one text")
		case key == "role_arn" && !roleForm().MatchString(v.Value):
			t.problem(v, what+": it must look like arn:aws:iam::123456789012:role/name")
		default:
			*fields[key] = v.Value
		}
	})
	if into.RoleARN == "" && (into.ExternalID != "" || into.RoleSessionName != "") {
		t.problem(n, s.Key+": external_id and role_session_name belong to a role, and there is no role_arn")
	}
}

// members walks a mapping whose keys are fixed.
func (t *tree) members(of string, n *yaml.Node, keys []string, visit func(key string, value *yaml.Node)) {
	t.each(n, func(key, value *yaml.Node) {
		switch {
		case strings.HasPrefix(key.Value, "x-"):
		case !slices.Contains(keys, key.Value):
			t.problem(key, fmt.Sprintf("there is no setting %q%s", of+"."+key.Value, oneOf(key.Value, keys)))
		default:
			visit(key.Value, value)
		}
	})
}

// sandbox reads {lambda: {NAME: [program, argument]}, faults: [{service, operation, times, code, lost}]}.
func (t *tree) sandbox(s Setting, n *yaml.Node) {
	if !t.is(n, yaml.MappingNode, s.Key+": write a map of lambda and faults") {
		return
	}
	t.members(s.Key, n, []string{"lambda", "faults"}, func(key string, v *yaml.Node) {
		switch key {
		case "lambda":
			t.functions(s.Key+"."+key, v)
		case "faults":
			if t.is(v, yaml.SequenceNode, s.Key+"."+key+": write a list, such as [{service: dynamodb, operation: PutItem, times: 2}]") {
				for _, one := range v.Content {
					t.fault(s.Key+"."+key, one)
				}
			}
		}
	})
}

func (t *tree) functions(what string, n *yaml.Node) {
	const form = ": write a program and its arguments, such as [python3, enrich.py]"
	if !t.is(n, yaml.MappingNode, what+": write a map of functions to programs, such as {enrich: [python3, enrich.py]}") {
		return
	}
	t.loader.conf.Sandbox.Lambda = map[string]Program{}
	t.each(n, func(key, list *yaml.Node) {
		if !t.is(list, yaml.SequenceNode, what+"."+key.Value+form) {
			return
		}
		var argv []string
		for _, word := range list.Content {
			if !t.is(word, yaml.ScalarNode, what+"."+key.Value+form) {
				return
			}
			argv = append(argv, word.Value)
		}
		if len(argv) == 0 || argv[0] == "" {
			t.problem(list, what+"."+key.Value+form)
			return
		}
		if strings.Contains(argv[0], "/") && !filepath.IsAbs(argv[0]) {
			argv[0] = filepath.Join(t.base, argv[0])
		}
		t.loader.conf.Sandbox.Lambda[key.Value] = Program{argv, t.base}
	})
}

func (t *tree) fault(what string, n *yaml.Node) {
	if !t.is(n, yaml.MappingNode, what+": write a map of service, operation, times, code, lost") {
		return
	}
	f := Fault{Times: 1}
	t.members(what, n, []string{"service", "operation", "times", "code", "lost"}, func(key string, v *yaml.Node) {
		if !t.is(v, yaml.ScalarNode, what+"."+key+": write one value") {
			return
		}
		var err error
		switch key {
		case "service":
			f.Service = v.Value
		case "operation":
			f.Operation = v.Value
		case "code":
			f.Code = v.Value
		case "times":
			f.Times, err = strconv.Atoi(v.Value)
		case "lost":
			f.Lost, err = strconv.ParseBool(v.Value)
		}
		if err != nil || f.Times < 0 {
			t.problem(v, fmt.Sprintf("%s.%s: %q is no value for it", what, key, v.Value))
		}
	})
	if f.Service == "" {
		t.problem(n, what+": name the service, such as dynamodb")
	}
	t.loader.conf.Sandbox.Faults = append(t.loader.conf.Sandbox.Faults, f)
}
