// The count of promise R08 for weft and for two cron libraries, by one program. A module apart, so that weft
// does not depend on what it is compared with.
module weft/tests/cronlibs

go 1.26.0

require (
	github.com/netresearch/go-cron v0.9.1
	github.com/robfig/cron/v3 v3.0.1
	weft v0.0.0
)

require github.com/expr-lang/expr v1.17.8 // indirect

replace weft => ../..
