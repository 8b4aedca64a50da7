package pg

import (
	"errors"
	"testing"
)

func TestLSNTextForm(t *testing.T) {
	for _, s := range []string{"0/0", "0/9444F48", "1/FFFFFFFF", "FFFFFFFF/FFFFFFFF"} {
		l, err := ParseLSN(s)
		if err != nil || l.String() != s {
			t.Errorf("ParseLSN(%q) = %v, %v", s, l, err)
		}
	}
	for _, s := range []string{"", "0", "/", "0/", "0/1G", "100000000/0", "0/-1", "0/1/2"} {
		if l, err := ParseLSN(s); err == nil {
			t.Errorf("ParseLSN(%q) = %v, want an error", s, l)
		}
	}
}

func TestRecordEndStepsBackOverPageHeaders(t *testing.T) {
	const seg = DefaultWALSegmentSize
	for _, c := range []struct{ in, want LSN }{
		{0x5002018, 0x5002000}, // 24 into a later page
		{0x5000028, 0x5000000}, // 40 into a segment
		{0x5002028, 0x5002028}, // 40 into a later page is a record's end
		{0x5002000, 0x5002000}, // already a boundary
		{seg*3 + 8192*5 + 100, seg*3 + 8192*5 + 100},
	} {
		if got := c.in.RecordEnd(seg); got != c.want {
			t.Errorf("%v.RecordEnd = %v, want %v", c.in, got, c.want)
		}
	}
}

func TestTimelineOfWALFile(t *testing.T) {
	tl, err := TimelineOfWALFile("000000190000000000000005")
	if err != nil || tl != 25 {
		t.Fatalf("got %v, %v", tl, err)
	}
	for _, s := range []string{"", "00000001", "zz0000010000000000000001"} {
		if _, err := TimelineOfWALFile(s); err == nil {
			t.Errorf("%q: want an error", s)
		}
	}
}

func TestErrorKeepsCauseAndCapability(t *testing.T) {
	cause := errors.New("connection refused")
	e := Errorf(ConnectionFailure, "server %s lost", "b").WithCause(cause).NothingSent()
	if !errors.Is(e, cause) || !e.SafeToRetry() || e.Severity != SeverityError {
		t.Fatalf("%+v", e)
	}
	if Fatalf(TooManyConnections, "full").SafeToRetry() {
		t.Fatal("an error is not safe to retry unless it says so")
	}
}
