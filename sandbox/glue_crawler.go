package sandbox

import "time"

func (g *glue) startCrawler(c *glueCall) (any, error) {
	if c.Name == "" {
		return nil, glueInvalid("Name is missing.")
	}
	if last := g.crawl(c.Name); last != nil && !last.at(g.now()).over {
		return nil, &fault{400, "CrawlerRunningException", "Crawler with name " + c.Name + " has already started"}
	}
	return struct{}{}, g.start(&work{Name: c.Name}, "", func(*work) bool { return true }, glueInvalid)
}

// crawl is the last of a crawler, nil if there was none.
func (g *glue) crawl(name string) *work {
	all := g.of("crawler", name)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func (g *glue) getCrawler(c *glueCall) (any, error) {
	m := map[string]any{"Name": c.Name, "State": "READY"}
	last := g.crawl(c.Name)
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
		if g.crawl(name) != nil {
			n = 1 // there is nothing to crawl here: each finds one table, new
		}
		list = append(list, map[string]any{"CrawlerName": name, "TablesCreated": n, "TablesUpdated": 0})
	}
	return map[string]any{"CrawlerMetricsList": list}, nil
}

func (g *glue) stopCrawler(c *glueCall) (any, error) {
	last := g.crawl(c.Name)
	if last == nil || last.at(g.now()).over {
		return nil, &fault{400, "CrawlerNotRunningException", "Crawler with name " + c.Name + " isn't running"}
	}
	_, err := g.stop(last)
	return struct{}{}, err
}
