package proxy

import (
	"testing"
	"time"
)

func TestOneSlowReadDoesNotMakeAStandbySlow(t *testing.T) {
	avg := time.Duration(0)
	for range 100 {
		avg = smooth(avg, time.Millisecond)
	}
	if avg != time.Millisecond {
		t.Fatalf("equal reads average to %s", avg)
	}
	if avg = smooth(avg, time.Hour); avg > 4*time.Millisecond {
		t.Errorf("one read of an hour makes the average %s", avg)
	}
	for range 20 {
		avg = smooth(avg, 500*time.Millisecond)
	}
	if avg < 100*time.Millisecond {
		t.Errorf("after twenty reads of 500 ms the average is %s", avg)
	}
	if smooth(0, 0) == 0 || smooth(1, 0) == 0 {
		t.Error("a measurement is taken for none")
	}
}
