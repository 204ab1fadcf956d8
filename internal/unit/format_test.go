package unit

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiguresHaveThreeSignificantDigits(t *testing.T) {
	for want, v := range map[string]float64{
		"0.00123": 0.0012345, "0.123": 0.1234, "1.23": 1.2345, "9.99": 9.994, "10.0": 9.996, "12.3": 12.345,
		"123": 123.4, "1000": 999.9, "1230": 1234, "1230000": 1.2345e6, "0": math.Copysign(0, -1), "-1.50": -1.5,
		"NaN": math.NaN(), "+Inf": math.Inf(1),
	} {
		require.Equal(t, want, Figure("p95-ms", v), "%v", v)
	}
	require.Equal(t, "1234", Figure("users", 1234))
}

func TestQuantities(t *testing.T) {
	for _, c := range []struct {
		unit Name
		v    float64
		want string
	}{
		{"p95-ms", 12.345, "12.3 ms"}, {"ns/op", 5e6, "5.00 ms"}, {"mem-MB", 412.4, "412 MB"}, {"mem-MB", 1234, "1.23 GB"}, {"mem-MB", 999.6, "1.00 GB"},
		{"ready-s", 2.345, "2.35 s"}, {"cpu-util", 81.44, "81.4 %"}, {"client-cpu-%", 3, "3.00 %"}, {"rps", 812.3, "812 rps"}, {"img/s", 1600, "1600 img/s"},
		{"ok-%", 100, "100 %"}, {"ok-%", 99.9999, "99.99 %"}, {"ok-%", 99.5, "99.5 %"}, {"J/answer", 0.5, "0.500 J/answer"}, {"batch-eff", 18.75, "18.8 %"},
		{"fetch-ms", 12.345, "12.3 ms"}, {"heap-MB", 1234, "1.23 GB"}, {"miss-%", 3, "3.00 %"}, {"B/op", 16, "16.0 B/op"}, // another's
	} {
		require.Equal(t, c.want, Quantity(c.unit, c.v))
	}
}

// A unit of the table is written as one of another's would be whose name ends alike.
func TestPrintFollowsTheName(t *testing.T) {
	for _, u := range All() {
		if like := foreign(u.Name); like != Plain && u.Print != Floored {
			require.Equal(t, like, u.Print, u.Name)
		}
	}
}
