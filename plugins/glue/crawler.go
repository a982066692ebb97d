package glue

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Crawler is the plugin glue.crawler: one crawl, from StartCrawler to its end.
//
// A crawler has one crawl at a time and no token for it. A crawl is ours if it began no earlier than our
// intent: a start that was lost is found so. One that began before is somebody else's, and it may miss
// what the task waits for; then the attempt fails as temporary.
type Crawler struct{}

var (
	_ plugins.Plugin     = Crawler{}
	_ plugins.RemoteWork = Crawler{}
	_ plugins.Finder     = Crawler{}
	_ plugins.InProcess  = Crawler{}
)

//go:embed crawler_input.json
var crawlerInput []byte

//go:embed crawler_output.json
var crawlerOutput []byte

// Name implements plugins.Plugin.
func (Crawler) Name() string { return "glue.crawler" }

// InProcess implements plugins.InProcess.
func (Crawler) InProcess() {}

// Schema implements plugins.Plugin.
func (Crawler) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a Glue crawler to its end", Input: crawlerInput, Output: crawlerOutput}
}

// Run implements plugins.Plugin.
func (Crawler) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	return awscall.Watched(ctx, "glue.crawler")
}

// A crawlHandle is what is recorded of a crawl. Glue gives crawls no name that StartCrawler tells.
type crawlHandle struct {
	Name   string    `json:"name"`
	Since  time.Time `json:"since"` // of the intent: it began no earlier
	Region string    `json:"region"`
}

func (h crawlHandle) String() string { return "glue crawler " + h.Name }

// Target implements plugins.RemoteWork.
func (Crawler) Target(input json.RawMessage) (json.RawMessage, error) {
	in, err := awscall.Recorded[crawlHandle](input)
	if err != nil {
		return nil, err
	}
	return aim(in.Name, "glue crawler")
}

// Submit implements plugins.RemoteWork.
func (Crawler) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	target, err := awscall.Recorded[crawlHandle](sub.Target)
	if err != nil {
		return plugins.Handle{}, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, err
	}
	name := map[string]string{"Name": target.Name}
	if err := awscall.Patiently(ctx, call, func() error { return service.Once(ctx, s, "StartCrawler", name, nil) }); err != nil {
		return plugins.Handle{}, failed(ctx, "start glue crawler "+target.Name, err)
	}
	return awscall.Handle(crawlHandle{target.Name, sub.Intended, s.Config.Region})
}

// A crawlerState is what of a Crawler is looked at.
type crawlerState struct {
	State            string // READY, RUNNING, STOPPING
	CrawlElapsedTime int64  // milliseconds, of a crawl that goes on
	LastCrawl        struct {
		Status       string // SUCCEEDED, CANCELLED, FAILED
		ErrorMessage string
		StartTime    awscall.Moment
	}
}

// apart is how far the two clocks may be, and how late Glue may notice that a crawl has begun.
const apart = 10 * time.Second

// began tells when the crawl at hand began, or the last one.
func (c crawlerState) began(now time.Time) time.Time {
	if c.State == "READY" {
		return c.LastCrawl.StartTime.Time()
	}
	return now.Add(-time.Duration(c.CrawlElapsedTime) * time.Millisecond)
}

func lookAtCrawler(ctx context.Context, s *awsconf.Session, name string, how ask) (crawlerState, error) {
	var out struct{ Crawler crawlerState }
	err := how(ctx, s, "GetCrawler", map[string]string{"Name": name}, &out)
	return out.Crawler, failed(ctx, "look at glue crawler "+name, err)
}

// Find implements plugins.Finder.
func (Crawler) Find(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, bool, error) {
	target, err := awscall.Recorded[crawlHandle](sub.Target)
	if err != nil {
		return plugins.Handle{}, false, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, false, err
	}
	c, err := lookAtCrawler(ctx, s, target.Name, service.Ask)
	if err != nil || c.began(call.Now()).Before(sub.Intended.Add(-apart)) {
		return plugins.Handle{}, false, err
	}
	h, err := awscall.Handle(crawlHandle{target.Name, sub.Intended, s.Config.Region})
	return h, err == nil, err
}

// A crawlDone is the output.
type crawlDone struct {
	State         string `json:"state"`
	LastStatus    string `json:"last_status"`
	TablesCreated int    `json:"tables_created"`
	TablesUpdated int    `json:"tables_updated"`
}

// Check implements plugins.RemoteWork.
func (Crawler) Check(ctx context.Context, call *plugins.Call, handle json.RawMessage) (plugins.Progress, error) {
	h, err := awscall.Recorded[crawlHandle](handle)
	if err != nil {
		return plugins.Progress{}, err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return plugins.Progress{}, err
	}
	c, err := lookAtCrawler(ctx, s, h.Name, service.Once)
	p := plugins.Progress{State: c.State}
	switch {
	case err != nil, c.State != "READY":
		return p, err
	case c.LastCrawl.StartTime.Time().Before(h.Since.Add(-apart)):
		p.State = "STARTING" // it is ready still: what it says of the last crawl is about another
		return p, nil
	case c.LastCrawl.Status == "SUCCEEDED":
		return h.succeeded(ctx, s, c)
	}
	text := map[string]string{"FAILED": "has failed", "CANCELLED": "was stopped"}[c.LastCrawl.Status]
	if text == "" {
		text = "did not succeed"
	}
	p.Done, p.State = true, c.LastCrawl.Status
	p.Failed = plugins.Errorf(plugins.Remote, "%s %s (%s)", h, text, c.LastCrawl.Status)
	if c.LastCrawl.ErrorMessage != "" {
		p.Failed.Err = fmt.Errorf("%w: %s", p.Failed.Err, c.LastCrawl.ErrorMessage)
	}
	return p, nil
}

// succeeded asks what the crawl has done.
func (h crawlHandle) succeeded(ctx context.Context, s *awsconf.Session, c crawlerState) (plugins.Progress, error) {
	var out struct {
		CrawlerMetricsList []struct{ TablesCreated, TablesUpdated int }
	}
	if err := service.Ask(ctx, s, "GetCrawlerMetrics", map[string][]string{"CrawlerNameList": {h.Name}}, &out); err != nil {
		return plugins.Progress{}, failed(ctx, "ask what "+h.String()+" has done", err)
	}
	done := crawlDone{State: c.State, LastStatus: c.LastCrawl.Status}
	if len(out.CrawlerMetricsList) > 0 {
		done.TablesCreated, done.TablesUpdated = out.CrawlerMetricsList[0].TablesCreated, out.CrawlerMetricsList[0].TablesUpdated
	}
	raw, err := json.Marshal(done)
	return plugins.Progress{State: c.LastCrawl.Status, Done: true, Result: plugins.Result{Output: raw}}, err
}

// Stop implements plugins.RemoteWork.
func (Crawler) Stop(ctx context.Context, call *plugins.Call, handle json.RawMessage) error {
	h, err := awscall.Recorded[crawlHandle](handle)
	if err != nil {
		return err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return err
	}
	err = service.Ask(ctx, s, "StopCrawler", map[string]string{"Name": h.Name}, nil)
	switch awsconf.CodeOf(err) {
	case "CrawlerNotRunningException", "CrawlerStoppingException":
		return nil
	}
	return failed(ctx, "stop "+h.String(), err)
}
