package axis

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// wider is the table with an axis more in each place: a line each.
func wider() Table {
	t := slices.Insert(Names(), 3, Axis{Key: "gpus", Kind: Number, Place: Column, Default: "1"})
	t = slices.Insert(t, 6, Axis{Key: "len", Kind: Number, Noun: "characters"})
	return slices.Insert(t, slices.IndexFunc(t, func(a Axis) bool { return a.Key == Load }), Axis{Key: "replicas", Kind: Number, Place: Row})
}

func TestTheTableIsSound(t *testing.T) {
	for _, table := range []Table{Names(), wider()} {
		require.Less(t, len(table), Most, "a value of an unknown key needs room, to be refused")
		require.NotEmpty(t, table.At(Column))
		seen := map[Key]bool{}
		for _, a := range table {
			require.False(t, seen[a.Key], "%s stands twice", a.Key)
			seen[a.Key] = true
			require.Regexp(t, `^[a-z]+$`, a.Key)
			require.True(t, a.Kind != Choice || len(a.Words) > 1, a.Key)
			for _, w := range a.Words {
				require.Regexp(t, `^[a-z]+$`, w)
			}
			if a.Under == "" {
				continue
			}
			c, ok := table.choice(a.Under)
			require.True(t, ok, "%s belongs to %s, which is no choice", a.Key, a.Under)
			require.Less(t, table.index(c.Key), table.index(a.Key), "a name gives the choice before its number")
		}
	}
}

// value is one that an axis can have.
func value(a Axis) string {
	switch a.Kind {
	case Number:
		return "3"
	case Choice:
		return a.Words[0]
	}
	return string(a.Key) + "-v"
}

// full sets every axis that can be set together with the first of each choice.
func full(table Table) Values {
	var v Values
	for _, a := range slices.Backward(table) {
		if c, ok := table.choice(a.Under); !ok || c.Words[0] == a.Under {
			v = table.With(v, a.Key, value(a))
		}
	}
	return v
}

// TestEveryAxisIsEverywhere walks the table: what a name sets is read back,
// refused where it is wrong, sorted, and stands in one place of a report.
func TestEveryAxisIsEverywhere(t *testing.T) {
	for _, table := range []Table{Names(), wider()} {
		v := full(table)
		require.NoError(t, table.Check(v))
		back, err := table.Parse(v.Path())
		require.NoError(t, err)
		require.Equal(t, v, back)
		for _, a := range table {
			if v.Get(a.Key) == "" {
				continue
			}
			require.Contains(t, "/"+v.Path(), "/"+string(a.Key)+"="+value(a))
			places := 0
			for _, p := range []Place{Block, Column, Row} {
				if table.Only(v, p).Get(a.Key) != "" {
					places++
					require.Equal(t, a.Place, p)
				}
			}
			require.Equal(t, 1, places, a.Key)
			other := table.set(v, a.Key, value(a)+"9")
			require.NotEqual(t, v, other)
			require.Negative(t, table.Compare(v, other, a.Place), a.Key)
			require.Positive(t, table.Compare(other, v, a.Place), a.Key)
			require.Error(t, table.Check(table.set(v, a.Key, "a b")), a.Key)
			if a.Kind != Choice {
				require.NotEqual(t, table.Label(v), table.Label(other), a.Key)
			}
			without := table.set(v, a.Key, "")
			require.Equal(t, a.Needed || a.Under != "", table.Check(without) != nil, a.Key)
		}
	}
}

// TestAnAxisIsALine: names over a table with three more.
func TestAnAxisIsALine(t *testing.T) {
	const path = "stack=vllm/model=gpt2/precision=int8/gpus=4/proto=sse/len=300/tokens=128x128/batch=1/replicas=2/load=open/rate=8"
	table := wider()
	v, err := table.Parse(path)
	require.NoError(t, err)
	require.Equal(t, path, v.Path())
	require.Equal(t, 4, v.Number("gpus"))
	require.Equal(t, []string{"vllm", "int8", "4"}, table.Label(table.Only(v, Column)))
	require.Equal(t, []string{"gpt2", "sse", "300 characters", "128x128 tokens"}, table.Label(table.Only(v, Block)))
	require.Equal(t, []string{"batch=1", "replicas=2", "rate=8"}, table.Label(table.Only(v, Row)))
	require.ErrorContains(t, table.Check(table.With(v, "gpus", "1")), "1 is said by no gpus at all")
	require.ErrorContains(t, table.Check(table.With(v, "gpus", "many")), "plain number")
	_, err = Names().Parse(path)
	require.ErrorContains(t, err, `unknown key "gpus"`)
	require.ErrorContains(t, Names().Check(v), `unknown key "gpus"`)
}

func TestANumberMakesItsChoice(t *testing.T) {
	table := Names()
	v := table.With(table.With(table.With(Values{}, Model, "m"), Stack, "s"), Conc, Count(4))
	require.Equal(t, "stack=s/model=m/load=closed/conc=4", v.Path(), "in the table's order")
	require.NoError(t, table.Check(v))
	require.Equal(t, v, table.With(v, Rate, Count(0)), "what is not set changes nothing")
	require.ErrorContains(t, table.Check(table.With(v, Rate, "2")), "exactly one of conc, rate, knee and users")
	require.ErrorContains(t, table.Check(table.With(v, Load, Knee)), "exactly one of conc, rate, knee and users")
	require.ErrorContains(t, table.Check(table.With(v, Conc, "")), "exactly one of conc, rate, knee and users")
	sought := table.With(table.With(v, Conc, ""), Load, Users)
	require.NoError(t, table.Check(sought))
	require.Equal(t, []string{"users"}, table.Label(table.Only(sought, Row)))
	require.Zero(t, sought.Number(Conc))
	require.Zero(t, sought.Number(Stack))
}

func TestRowsAreSortedAsAReaderCounts(t *testing.T) {
	sorted := []string{
		"batch=mixed/batcher=off/load=closed/conc=16",
		"batch=mixed/batcher=8x5ms/load=closed/conc=16",
		"batch=mixed/batcher=8x10ms/load=closed/conc=16",
		"batch=mixed/batcher=16x5ms/load=closed/conc=16",
		"batch=mixed/batcher=off/load=knee",
		"batch=2/load=closed/conc=4", "batch=2/load=closed/conc=16", "batch=2/load=open/rate=3", "batch=2/load=open/rate=20", "batch=2/load=users",
		"batch=16/load=closed/conc=1",
	}
	table := Names()
	var all []Values
	for _, row := range sorted {
		v, err := table.Parse("stack=s/model=m/" + row)
		require.NoError(t, err)
		all = append(all, v)
	}
	for i, a := range all {
		for k, b := range all {
			c := table.Compare(a, b, Row)
			require.Equal(t, i < k, c < 0, "%s %s", sorted[i], sorted[k])
			require.Equal(t, i == k, c == 0, "%s %s", sorted[i], sorted[k])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("stack=triton/model=resnet50/proto=grpc/input=jpeg/batch=8/load=closed/conc=16")
	f.Add("stack=a/model=b/precision=fp16/load=open/rate=3")
	f.Add("stack=a/model=b/gpus=2/batch=mixed/batcher=off/replicas=3/load=knee")
	f.Add("load=open/conc=1")
	f.Fuzz(func(t *testing.T, path string) {
		for _, table := range []Table{Names(), wider()} {
			v, err := table.Parse(path)
			if err != nil {
				continue
			}
			require.Equal(t, path, v.Path())
			require.NoError(t, table.Check(v))
			var again Values
			for _, one := range v.All() {
				again = table.With(again, one.Key, one.Text)
				require.NotContains(t, one.Text, "/")
			}
			require.Equal(t, v, again)
			require.Zero(t, table.Compare(v, again, Row))
			require.Equal(t, strings.Count(path, "/")+1, len(v.All()))
		}
	})
}
