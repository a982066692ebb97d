package spec

import (
	"strings"
	"time"

	"weft/machine"
)

// ruleDead warns of settings that are read and have no effect, because another one comes before them or lacks. Only
// what a task or the DAG says itself is told of: of `defaults` other tasks may have the use.
func ruleDead(d *DAG) {
	run := d.plan.Timeout
	if late := d.plan.Deadline; run != 0 && late >= run && d.top.get("on_late") != nil && d.top.lacks("schedule") {
		d.report(rInterval, d.span(d.top.get("deadline")), "`deadline` is not before `timeout`: the run is over then, and `on_late` never begins").
			related(d.span(d.top.get("timeout")), "`timeout` of the run is here")
	}
	for _, t := range d.tasks {
		if n := t.f.get("timeout"); run != 0 && t.Timeout > run && n != nil {
			d.longer(n, "`timeout` of "+t.name()+" is longer than that of the run, which ends before")
		}
		sensor := t.f.get("sensor")
		if t.Sensor == nil || sensor == nil || sensor.Kind != Mapping {
			continue
		}
		if n := sensor.Get("timeout"); run != 0 && t.Sensor.Timeout > run && n != nil {
			d.longer(n, "`timeout` of the sensor is longer than that of the run, which ends before")
		}
	}
}

// longer reports a limit that the run's comes before.
func (d *DAG) longer(n *Node, say string) {
	d.report(rInterval, d.span(n), "%s", say).related(d.span(d.top.get("timeout")), "`timeout` of the run is here")
}

// deadPokes tells of a sensor's own settings, which own are.
func (d *DAG) deadPokes(t *task, s *machine.Sensor, own fields) {
	if n := own.get("max_wait"); n != nil && s.MaxWait != 0 {
		switch {
		case own.lacks("exponential_backoff") && d.defaultSensor().get("exponential_backoff") == nil:
			d.reportAs(Warning, sMissing, d.span(own.key("max_wait")), "`max_wait` needs `exponential_backoff`: the interval does not grow").
				help("say `exponential_backoff: true`, or leave `max_wait` out")
		case s.ExponentialBackoff && s.MaxWait < s.PokeInterval:
			d.report(rInterval, d.span(n), "`max_wait` is shorter than `poke_interval`, which it bounds")
		}
	}
	if s.Until != nil && s.Until.Src == "false" && own.get("until") != nil {
		d.report(gNever, d.span(own.get("until")), "the sensor of %s never holds: its `until` is false", t.name())
	}
	if n := own.get("timeout"); t.Uses == "wait" && n != nil && s.Timeout != 0 {
		if long, ok := waitFor(t.f.get("with")); ok && long > s.Timeout {
			d.report(rInterval, d.span(n), "`timeout` of the sensor is shorter than `for`: it is over before the wait is").
				related(d.span(t.f.get("with").Get("for")), "`for` is here")
		}
	}
}

// waitFor is how long the plugin `wait` waits, if the file says it.
func waitFor(with *Node) (machine.Duration, bool) {
	n := with.Get("for")
	if n == nil || n.Kind != Scalar || strings.Contains(n.Text, "${{") {
		return 0, false
	}
	long, err := ParseDuration(n.Text)
	return machine.Duration(long), err == nil && long > time.Duration(0)
}
