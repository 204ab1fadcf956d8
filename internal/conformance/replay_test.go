package conformance_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/conformance"
	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/tgi"
)

// all loads every fixture, by its name.
func all(t *testing.T) map[string]conformance.Fixture {
	t.Helper()
	files, err := filepath.Glob("../../testdata/conformance/*.txtar")
	require.NoError(t, err)
	require.Greater(t, len(files), 30)
	out := map[string]conformance.Fixture{}
	for _, file := range files {
		f, err := conformance.Load(file)
		require.NoError(t, err)
		require.NotEmpty(t, f.About, file)
		out[strings.TrimSuffix(filepath.Base(file), ".txtar")] = f
	}
	return out
}

// client is the target that a fixture's contract is spoken to by.
func client(t *testing.T, contract, addr string) *http1.Target {
	t.Helper()
	p := generation.Prompt{Model: "gpt2", Text: "a", Tokens: 8}
	var r http1.Request
	var h http1.Streaming
	var err error
	switch contract {
	case "openai-completions":
		h = openai.CompletionEvents()
		r, err = openai.EncodeCompletion(p, openai.Counted)
	case "openai-chat":
		h = openai.ChatEvents()
		r, err = openai.EncodeChat(p, openai.Counted)
	case "tgi":
		h = tgi.StreamEvents()
		r, err = tgi.Encode(p, true)
	default:
		t.Fatalf("unknown contract %q", contract)
	}
	require.NoError(t, err)
	target, err := http1.NewStreamingTarget(addr, []http1.Request{r}, h)
	require.NoError(t, err)
	return target
}

// dialler lets the engine use the target's connections.
type dialler struct{ *http1.Target }

func (d dialler) Dial(ctx context.Context) (load.Conn, error) { return d.Target.Dial(ctx) }

// measured is the record of one request, made as a window makes them.
func measured(t *testing.T, target *http1.Target) record.Record {
	t.Helper()
	plan := load.Plan{Conns: 1, Window: 1, Timeout: time.Hour, Keep: 64 << 20}
	result, err := load.Run(t.Context(), plan, dialler{target}, load.SleepClock())
	require.NoError(t, err)
	require.Len(t, result.Records, 1)
	return result.Records[0]
}

// lines says what was made of a stream, as fixtures expect it.
func lines(r record.Record) []string {
	out := []string{"verdict: " + r.Kind()}
	switch {
	case r.Output == nil:
		return out
	case r.Outcome != record.Good:
		return append(out, fmt.Sprintf("chunks: %d", len(r.Output.Chunks)))
	}
	ttft, _ := meter.TTFT(r, false)
	itl, defined, known := meter.ITL(r)
	between := itl.String()
	switch {
	case !known:
		between = "unknown"
	case !defined:
		between = "undefined"
	}
	gaps := "none"
	for i, gap := range meter.Gaps(r) {
		if i == 0 {
			gaps = gap.String()
			continue
		}
		gaps += " " + gap.String()
	}
	return append(out, "ttft: "+ttft.String(), "itl: "+between, "gaps: "+gaps, "tokens: "+strconv.Itoa(r.Output.Tokens))
}

// TestFixtures replays every fixture in virtual time, where all times are exact.
func TestFixtures(t *testing.T) {
	for name, f := range all(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := client(t, f.Expect.Contract, "host:1")
				target.Over(func(context.Context, string) (net.Conn, error) {
					here, there := net.Pipe()
					go fake.PlayOn(t.Context(), there, f.Timeline)
					return here, nil
				})
				r := measured(t, target)
				require.Equal(t, f.Expect.Lines, lines(r), "%s", r.Err)
				require.LessOrEqual(t, r.Done, f.Timeline.EndAt+33*time.Second, "whatever happens is bounded")
				if r.Outcome == record.Good {
					decodes(t, f.Expect.Contract, r)
				}
			})
		})
	}
}

// decodes holds what was seen by bytes while the clock ran to what the kept
// events say once they are decoded.
func decodes(t *testing.T, contract string, r record.Record) {
	t.Helper()
	decode := openai.DecodeStream
	if contract == "tgi" {
		decode = tgi.DecodeStream
	}
	text, err := decode(*r.Answer)
	require.NoError(t, err)
	require.Equal(t, len(r.Output.Chunks), text.Chunks)
	require.Equal(t, r.Output.Tokens, text.Tokens)
	require.NotEmpty(t, text.Text)
}

// TestFixturesOverSockets replays the short ones over real connections. Times
// are then not exact: the verdict, the chunks and the tokens are.
func TestFixturesOverSockets(t *testing.T) {
	for name, f := range all(t) {
		if f.Timeline.EndAt > time.Second || f.Timeline.End == fake.Hanging {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := fake.Play(f.Timeline)
			require.NoError(t, err)
			defer server.Close()
			conn, err := client(t, f.Expect.Contract, server.Addr()).Dial(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			r := conn.Do(t.Context(), 0)
			got := lines(record.Record{Outcome: r.Outcome, Code: r.Code, Output: r.Output})
			require.Len(t, got, len(f.Expect.Lines))
			for i, want := range f.Expect.Lines {
				if strings.HasPrefix(want, "verdict: ") || strings.HasPrefix(want, "chunks: ") || strings.HasPrefix(want, "tokens: ") {
					require.Equal(t, want, got[i])
				}
			}
		})
	}
}

// TestTrapsHaveFixtures holds the folder to the list of traps that it is for.
func TestTrapsHaveFixtures(t *testing.T) {
	fixtures := all(t)
	for _, name := range []string{
		"role-only", "several-tokens-counted", "several-tokens-uncounted", "usage-only-tail", "usage-in-last-chunk", "two-events-in-one-segment",
		"stall", "silent", "early-close", "no-done", "error-inside-200", "keep-alives", "split-utf8", "no-space", "crlf", "long-line", "endless-line",
		"status-429", "status-503", "status-404", "status-400",
		"done-no-newline", "done-one-newline", "done-space-behind", "until-close-no-newline", "half-a-mark", "tgi-done",
		"error-quotes-prompt", "error-quotes-text", "error-in-choice", "finish-abort", "abort-in-object", "tgi-abort",
		"space-before-colon", "logprobs-first", "content-parts", "reasoning-details", "arguments-object",
		"tail-without-text", "tail-told-at-the-end", "tail-uncounted",
	} {
		require.Contains(t, fixtures, name)
	}
}
