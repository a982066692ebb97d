package spec

import (
	"strings"
	"testing"
)

// TestSchedulesOfOtherTools: a schedule as another tool writes it is told of, and what it is here.
func TestSchedulesOfOtherTools(t *testing.T) {
	for _, row := range []struct{ schedule, want string }{
		{`"0 6 * * ? *"`, "1:12-1:23 warning[T402] of six fields the first is the seconds: this fires at minute 6 of each hour\n    ^ write `0 6 * * *`\n    help: AWS and others write the year last; without it that is `0 6 * * *`"},
		{`"0/15 * * * ? *"`, "1:12-1:26 warning[T402] of six fields the first is the seconds: this fires at seconds 0, 15, 30 and 45, every minute\n    ^ write `0/15 * * * *`\n    help: AWS and others write the year last; without it that is `0/15 * * * *`"},
		{`0 6 ? * 2-6 *`, "1:11-1:24 warning[T402] of six fields the first is the seconds: this fires at minute 6 of each hour, in February to June\n    ^ write `0 6 * * MON-FRI`\n    help: AWS and others write the year last; without it that is `0 6 * * MON-FRI`"},
		{`0 6 ? * MON-FRI *`, "1:11-1:28 error[T402] of six fields the first is the seconds; there is none for the year\n    ^ write `0 6 * * MON-FRI`\n    help: AWS and others write the year last; without it that is `0 6 * * MON-FRI`"},
		{`0 6 * * * 2027`, "1:11-1:25 error[T402] of six fields the first is the seconds; there is none for the year\n    ^ write `0 6 * * *`\n    help: AWS and others write the year last; without it that is `0 6 * * *`; for the years write `start` and `end` under `schedule`"},
		{`cron(0 6 ? * 6L 2026-2030)`, "1:11-1:37 error[T402] a schedule is written without `cron( )`, which is AWS's\n    ^ write `0 6 * * FRI#L`\n    help: there is no field for the year: write `start` and `end` under `schedule`"},
		{`cron(0 6 * * ? *)`, "1:11-1:28 error[T402] a schedule is written without `cron( )`, which is AWS's\n    ^ write `0 6 * * *`"},
		{`rate(5 minutes)`, "1:11-1:26 error[T402] a schedule is written without `rate( )`, which is AWS's\n    ^ write `every 5m`"},
		{`every 5 minutes`, "1:11-1:26 error[S108] `every` wants a duration like 15m or 1h30m: \"minutes\" is no unit (d, h, m, s, ms)\n    ^ write `every 5m`"},
		{`every hour`, "1:11-1:21 error[S108] `every` wants a duration like 15m or 1h30m: \"hour\" is no number with a unit\n    ^ write `every 1h`"},
		{`{cron: every 5 minutes}`, "1:18-1:33 error[T402] `cron` holds cron texts, and `every` stands for itself\n    help: write `schedule: {every: 5m}`"},
		{`0 6 * * 1-5 Europe/Berlin`, "1:23-1:36 error[T402] a cron text holds no time zone\n    help: write `schedule: {cron: \"0 6 * * 1-5\", timezone: Europe/Berlin}`"},
		{`UTC 0 25 * * *`, "1:11-1:14 error[T402] a cron text holds no time zone\n    help: write `schedule: {cron: \"0 25 * * *\", timezone: UTC}`\n1:17-1:19 error[T401] 25 is no hour\n    help: the hour is 0 to 23"},
		// Right: Quartz's six fields have the seconds first, and `?` in a day alone.
		{`"0 0 6 * * ?"`, ""},
		{`"0 0 6 ? * MON-FRI"`, ""},
		{`"0 6 * * ?"`, ""},
		{`"*/10 * * * * *"`, ""},
		{`every 5m`, ""},
	} {
		_, found := Parse("d.yaml", []byte("schedule: "+row.schedule+"\ntasks: {a: {run: echo}}\n"), online())
		if got := strings.TrimSpace(show(found)); got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.schedule, got, row.want)
		}
	}
}
