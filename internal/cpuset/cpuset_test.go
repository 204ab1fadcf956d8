package cpuset

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseAndString(t *testing.T) {
	check := func(in, want string, n int) {
		t.Helper()
		s, err := Parse(in)
		require.NoError(t, err, in)
		require.Equal(t, want, s.String())
		require.Len(t, s, n)
	}
	check("", "", 0)
	check("0", "0", 1)
	check("0-3,7", "0-3,7", 5)
	check("7, 0-3\n", "0-3,7", 5)
	check("1,0,2-3,2", "0-3", 4)
	check("8191", "8191", 1)

	checkErr := func(in, msg string) {
		t.Helper()
		_, err := Parse(in)
		require.ErrorContains(t, err, msg, in)
	}
	checkErr("a", `"a" is not a core number`)
	checkErr("3-1", "3-1 runs backwards")
	checkErr("0-", `"" is not a core number`)
	checkErr("-1", `"" is not a core number`)
	checkErr("0,,1", `"" is not a core number`)
	checkErr("0-8192", `"8192" is not a core number`)
	checkErr("0-99999999999", "is not a core number")
}

func TestSplit(t *testing.T) {
	check := func(all, client, server string, shared bool) {
		t.Helper()
		in, err := Parse(all)
		require.NoError(t, err)
		c, s, note := Split(in)
		require.Equal(t, client, c.String())
		require.Equal(t, server, s.String())
		require.Equal(t, shared, note != "", note)
	}
	check("0", "0", "0", true)
	check("4", "4", "4", true)
	check("0-1", "0", "1", false)
	check("0-2", "0", "1-2", false)
	check("0-7", "0-1", "2-7", false)
	check("2-5,8-11", "2-3", "4-5,8-11", false)
	check("0-63", "0-15", "16-63", false)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "0", "0-3,7", "3-1", "a", "0-99999999999", "1,,2", " 1 - 2 ", "0-8191,0-8191"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := Parse(in)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(s), maxCore+1)
		for i := 1; i < len(s); i++ {
			require.Less(t, s[i-1], s[i])
		}
		again, err := Parse(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

// numbering is Linux's usual one: the second halves of n cores follow the first.
func numbering(n int) func(int) Set {
	return func(c int) Set { return Set{c % n, c%n + n} }
}

func listed(t *testing.T, list string) Set {
	t.Helper()
	s, err := Parse(list)
	require.NoError(t, err)
	return s
}

// TestPhysicalCoresGoWholeToOneSide: a server on the other half of the client's
// core is slowed down by it.
func TestPhysicalCoresGoWholeToOneSide(t *testing.T) {
	check := func(all string, siblings func(int) Set, client, server string, note string) {
		t.Helper()
		c, s, said := Divide(Physical(listed(t, all), siblings))
		require.Equal(t, client, c.String())
		require.Equal(t, server, s.String())
		require.Contains(t, said, note)
		require.Equal(t, note == "", said == "", said)
	}
	check("0-7", numbering(4), "0,4", "1-3,5-7", "")
	check("0-15", numbering(8), "0-1,8-9", "2-7,10-15", "")
	check("0-7", func(c int) Set { return Set{c &^ 1, c | 1} }, "0-1", "2-7", "") // halves side by side
	check("0-3,5-7", numbering(4), "0", "1-3,5-7", "")                            // 4 may not be used
	check("0-1", numbering(1), "0", "1", "same physical core")
	check("0-7", func(int) Set { return nil }, "0-1", "2-7", "") // not told
	check("0", numbering(1), "0", "0", "share the only core")
	check("0-3", numbering(2), "0,2", "1,3", "")
}

// TestAQuotaCountsAsSoManyCores: of eight cores, a quota of two leaves two.
func TestAQuotaCountsAsSoManyCores(t *testing.T) {
	check := func(quota float64, client, server string) {
		t.Helper()
		c, s, _ := Divide(Within(Physical(listed(t, "0-7"), numbering(4)), quota))
		require.Equal(t, client, c.String())
		require.Equal(t, server, s.String())
	}
	check(0, "0,4", "1-3,5-7")
	check(8, "0,4", "1-3,5-7")
	check(100, "0,4", "1-3,5-7")
	check(6, "0,4", "1-3,5")
	check(0.6, "0", "0")
	check(4, "0", "1-3")
	check(2, "0", "1")
	check(1.5, "0", "1")
}
