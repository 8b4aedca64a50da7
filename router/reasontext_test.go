package router_test

import (
	"testing"

	"github.com/pgroute/pgroute/router"
)

func TestEveryReasonHasWords(t *testing.T) {
	for _, r := range router.Reasons() {
		if r.Text() == "" || r.Text() == r.String() {
			t.Errorf("reason %s has no words", r)
		}
	}
}
