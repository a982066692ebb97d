package sandbox

import "time"

func (g *glue) startCrawler(c *glueCall) (any, error) {
	if c.Name == "" {
		return nil, glueInvalid("Name is missing.")
	}
	if last := g.crawls[c.Name]; last != nil && !last.at(g.now()).over {
		return nil, &fault{400, "CrawlerRunningException", "Crawler with name " + c.Name + " has already started"}
	}
	plan, given := g.scripts["crawler "+c.Name]
	if !given {
		plan = script{usualCrawl}
	}
	s := plan[g.refusals["crawler "+c.Name]%len(plan)]
	g.refusals["crawler "+c.Name]++
	crawl := &glueRun{Name: c.Name, Started: g.now().UTC(), Script: s.src, steps: s}
	if err := g.log.write(crawl); err != nil {
		return nil, err
	}
	g.crawls[c.Name] = crawl
	return struct{}{}, nil
}

func (g *glue) getCrawler(c *glueCall) (any, error) {
	m := map[string]any{"Name": c.Name, "State": "READY"}
	last := g.crawls[c.Name]
	if last == nil {
		return map[string]any{"Crawler": m}, nil
	}
	switch at := last.at(g.now()); {
	case !at.over:
		m["State"], m["CrawlElapsedTime"] = at.state, g.now().Sub(last.Started)/time.Millisecond
	default:
		status := at.state
		if status == "STOPPED" {
			status = "CANCELLED"
		}
		m["LastCrawl"] = map[string]any{"Status": status, "ErrorMessage": at.message, "StartTime": seconds(last.Started)}
	}
	return map[string]any{"Crawler": m}, nil
}

func (g *glue) crawlerMetrics(c *glueCall) (any, error) {
	list := []any{}
	for _, name := range c.CrawlerNameList {
		n := 0
		if g.crawls[name] != nil {
			n = 1 // there is nothing to crawl here: each finds one table, new
		}
		list = append(list, map[string]any{"CrawlerName": name, "TablesCreated": n, "TablesUpdated": 0})
	}
	return map[string]any{"CrawlerMetricsList": list}, nil
}

func (g *glue) stopCrawler(c *glueCall) (any, error) {
	last := g.crawls[c.Name]
	if last == nil || last.at(g.now()).over {
		return nil, &fault{400, "CrawlerNotRunningException", "Crawler with name " + c.Name + " isn't running"}
	}
	return struct{}{}, g.stop(last)
}
