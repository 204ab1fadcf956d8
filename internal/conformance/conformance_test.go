package conformance

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
)

const good = `About this.
-- expect --
contract: openai-chat
verdict: good
ttft: 20ms
-- head 5ms --
HTTP/1.1 200 OK
Content-Type: text/event-stream
Transfer-Encoding: chunked
-- at 20ms --
data: a

-- at 30ms quoted --
"\xf0\x9f"
"\x98\x80\n"
-- at 30ms repeat 7 --
abc
-- end 40ms --
`

func TestParse(t *testing.T) {
	f, err := Parse([]byte(good))
	require.NoError(t, err)
	const ms = time.Millisecond
	require.Equal(t, Fixture{
		About: "About this.",
		Timeline: fake.Timeline{
			Status: 200, Header: []string{"Content-Type: text/event-stream"}, Framing: fake.Chunked, Head: 5 * ms,
			Parts: []fake.Part{{At: 20 * ms, Bytes: []byte("data: a\n\n")}, {At: 30 * ms, Bytes: []byte("😀\n")}, {At: 30 * ms, Bytes: []byte("abcabca")}},
			End:   fake.Clean, EndAt: 40 * ms,
		},
		Expect: Expect{"openai-chat", []string{"verdict: good", "ttft: 20ms"}},
	}, f)
	for header, want := range map[string]fake.Framing{"Connection: close": fake.UntilClose, "X: y": fake.Length} {
		f, err = Parse([]byte(strings.Replace(good, "Transfer-Encoding: chunked", header, 1)))
		require.NoError(t, err)
		require.Equal(t, want, f.Timeline.Framing)
	}
}

func TestWhatIsNoFixture(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{good, "", "there is no expect"},
		{"-- end 40ms --\n", "", "there is no at or end or cut or reset or hang"},
		{"-- head 5ms --", "-- at 5ms --", `"at 5ms": want head here`},
		{"-- end 40ms --", "-- end 40ms --\n-- at 50ms --", "nothing may follow the end"},
		{"-- end 40ms --", "-- stop 40ms --", "want at or end or cut or reset or hang here"},
		{"-- end 40ms --", "-- end --", `"end": it does not say when`},
		{"-- end 40ms --", "-- end soon --", `"soon" is no time since the request's arrival`},
		{"-- end 40ms --", "-- end 10ms --", "the end is due at 10ms, before what precedes it at 30ms"},
		{"-- at 20ms --", "-- at 2ms --", "part 1 is due at 2ms, before what precedes it at 5ms"},
		{"-- at 20ms --", "-- at 20ms loud --", `"loud" is neither quoted nor repeat SIZE`},
		{`"\xf0\x9f"`, `\xf0`, "is not a quoted string"},
		{"repeat 7", "repeat 999999999", "to a size from 1 to"},
		{"repeat 7 --\nabc", "repeat 7 --\n", "repeat a line that is not empty"},
		{"HTTP/1.1 200 OK", "200 OK", "is not a status line"},
		{"HTTP/1.1 200 OK", "HTTP/1.1 299 Fine", "is not a status line"},
		{"Content-Type: text", "Content-Type", "is not a header line"},
		{"Transfer-Encoding: chunked", "Content-Length: 3", "framed by"},
		{"contract: openai-chat\n", "", "it names no contract"},
		{"ttft: 20ms", "ttft 20ms", "is not a name and a value"},
	} {
		_, err := Parse([]byte(strings.Replace(good, c.old, c.new, 1)))
		require.ErrorContains(t, err, c.want, "%q for %q", c.new, c.old)
	}
	_, err := Parse([]byte(strings.ReplaceAll(good, "\n", "\r\n")))
	require.ErrorContains(t, err, "the file has CRLF line ends")
	_, err = Load("testdata/none.txtar")
	require.ErrorContains(t, err, "read fixture: open")
}

// TestThePageSaysWhatIsKnown holds docs/conformance.md to the words of the format.
func TestThePageSaysWhatIsKnown(t *testing.T) {
	page, err := os.ReadFile("../../docs/conformance.md")
	require.NoError(t, err)
	for _, word := range []string{
		"| `expect` |", "| `head TIME` |", "| `at TIME` |", "| `end TIME` |", "`at TIME quoted`", "`at TIME repeat SIZE`",
		"`" + string(fake.CutOff) + "`", "`" + string(fake.Resets) + "`", "`" + string(fake.Hanging) + "`",
		"`openai-completions`", "`openai-chat`", "`tgi`",
		"`" + record.Good.String() + "`", "`" + record.Cut.String() + "`", "`" + record.Fault.String() + "`", "`" + record.Silent.String() + "`", "`" + record.Malformed.String() + "`",
		"| `verdict` |", "| `ttft` |", "| `itl` |", "| `gaps` |", "| `tokens` |", "| `chunks` |", "`undefined`", "`unknown`",
	} {
		require.Contains(t, string(page), word)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Parse(b)
		if err == nil {
			require.NotEmpty(t, x.Expect.Contract)
			require.NoError(t, x.Timeline.Check())
		}
	})
}
