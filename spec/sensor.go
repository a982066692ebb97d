package spec

import "weft/machine"

// draftSensor reads how a task is asked again. Its expressions make no edge: they look at the output
// of the task itself. `defaults.sensor` holds only where a task has one.
func (d *DAG) draftSensor(t *task) {
	n, key := t.f.get("sensor"), t.f.key("sensor")
	if key == nil {
		if t.known && t.plugin.Sensor {
			t.Sensor = &machine.Sensor{PokeInterval: seconds(60), OnError: "retry"}
			d.sensorTimeout(t, t.Sensor, nil)
		}
		return
	}
	var own fields
	if !n.Empty() { // `sensor:` alone has every default
		own = d.fields(n, sensorKeys, "`sensor`")
	}
	if !n.Empty() && n.Kind != Mapping { // nobody knows what it shall be
		t.Sensor = &machine.Sensor{PokeInterval: seconds(60), OnError: "retry"}
		return
	}
	base := d.defaultSensor()
	get := func(key string) *Node {
		if v := own.get(key); v != nil {
			return v
		}
		return base.get(key)
	}
	s := &machine.Sensor{PokeInterval: seconds(60), OnError: "retry"}
	s.Until = d.bare(t, "until", get("until"), false)
	s.FailWhen = d.bare(t, "fail_when", get("fail_when"), false)
	if v, ok := d.duration(get("poke_interval"), "poke_interval", false); ok {
		s.PokeInterval = v
	}
	s.SoftFail = d.boolean(get("soft_fail"), "soft_fail")
	if v, ok := d.choice(get("on_error"), "on_error", "retry", "wait", "skip"); ok {
		s.OnError = v
	}
	s.ExponentialBackoff = d.boolean(get("exponential_backoff"), "exponential_backoff")
	s.MaxWait, _ = d.duration(get("max_wait"), "max_wait", false)
	d.sensorTimeout(t, s, get("timeout"))
	if s.Timeout != 0 && s.PokeInterval > s.Timeout && get("poke_interval") != nil {
		d.report(rInterval, d.span(get("poke_interval")), "`poke_interval` is longer than `timeout`: there is one poke at most")
	}
	d.deadPokes(t, s, own)
	t.Sensor = s
}

// sensorTimeout: a sensor that is none by nature waits 7 days unless told, which is rarely what is
// meant; one by nature (`wait`) says itself when it is over, unless it waits for others.
func (d *DAG) sensorTimeout(t *task, s *machine.Sensor, n *Node) {
	switch {
	case n != nil:
		s.Timeout, _ = d.duration(n, "timeout", false)
	case t.plugin.Sensor && !t.plugin.Endless:
	default:
		s.Timeout = 7 * day
		at, say := t.f.key("sensor"), "`timeout: 4h`"
		if at == nil {
			at, say = t.f.get("uses"), "`sensor: {timeout: 4h}`"
		}
		d.report(rSensor, d.span(at), "the sensor of %s has no `timeout`: it waits for 7 days", t.name()).
			help("say how long: %s", say)
	}
}

// defaultSensor is the sensor of `defaults`; its unknown keys are reported where it is drafted.
func (d *DAG) defaultSensor() fields {
	if n := d.defaults.get("sensor"); n != nil && n.Kind == Mapping {
		return fields{node: n, of: sensorKeys}
	}
	return fields{}
}
