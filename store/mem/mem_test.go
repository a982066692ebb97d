package mem_test

import (
	"testing"

	"weft/store"
	"weft/store/mem"
	"weft/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return mem.New() })
}
