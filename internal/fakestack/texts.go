package fakestack

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"stackbench"
	"stackbench/internal/quality"
	"stackbench/internal/workload"
)

// completions answers as OpenAI's /v1/completions streams. how is one of:
// texts, which is right; off, which gives other texts than PyTorch; short, a
// token too few; cut, which closes early; fault, an error within the stream;
// babble, which is right where a prompt is committed, and makes up the rest at
// once; claims, which is right there, too, and elsewhere sends the first token
// alone and counts them all; begins, which is right there, too, and elsewhere
// makes up all after the first word; halves, which elsewhere sends half and
// counts all at the end; full, a status 429; cached, which is right and says that
// it had every prompt; crowd=N, which gives more users than N their text at once,
// so that it has no time per token.
func completions(how string, w http.ResponseWriter, r *http.Request, active int64) {
	var ask struct {
		Prompt    string
		Stream    bool
		MaxTokens int `json:"max_tokens"`
	}
	_ = json.NewDecoder(r.Body).Decode(&ask)
	kind, value, _ := strings.Cut(how, "=")
	if kind == "full" {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = fmt.Fprint(w, `{"error":{"message":"full"}}`)
		return
	}
	pieces := pieces(ask.Prompt, ask.MaxTokens)
	var most int64
	if _, err := fmt.Sscan(value, &most); err == nil && active > most {
		sendOnce(w, strings.Join(pieces, ""), len(pieces))
		return
	}
	if kind == "claims" && pieces[0] == made {
		sendOnce(w, pieces[0], len(pieces))
		return
	}
	claim := len(pieces)
	pieces = spoilt(kind, pieces)
	if !ask.Stream {
		text, _ := json.Marshal(strings.Join(pieces, ""))
		_, _ = fmt.Fprintf(w, `{"choices":[{"index":0,"text":%s,"finish_reason":"length"}],"usage":{"completion_tokens":%d}}`, text, len(pieces))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i, piece := range pieces {
		text, _ := json.Marshal(piece)
		finish := "null"
		if i == len(pieces)-1 {
			finish = `"length"`
		}
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"text\":%s,\"finish_reason\":%s}],\"usage\":{\"completion_tokens\":%d}}\n\n", text, finish, i+1)
		w.(http.Flusher).Flush()
		switch {
		case kind == "cut" && i == 2:
			panic(http.ErrAbortHandler)
		case kind == "fault" && i == 2:
			_, _ = fmt.Fprint(w, "data: {\"error\":{\"message\":\"out of memory\"}}\n\n")
			return
		}
	}
	if kind == "halves" {
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"completion_tokens\":%d}}\n\n", claim)
	}
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n")
}

// made is a word of a text to a prompt that is not committed.
const made = "x "

// spoilt is a text as a server of the kind sends it.
func spoilt(kind string, pieces []string) []string {
	known := pieces[0] != made
	switch {
	case kind == "off":
		pieces[0] = " something else"
	case kind == "short":
		return pieces[1:]
	case known:
		return pieces
	case kind == "babble":
		return strings.SplitAfter(strings.Repeat(" a", len(pieces)), "a")[:len(pieces)]
	case kind == "begins":
		return append(pieces[:1], strings.SplitAfter(strings.Repeat("a ", len(pieces)-1), " ")[:len(pieces)-1]...)
	case kind == "halves":
		return pieces[:max(1, len(pieces)/2)]
	}
	return pieces
}

func sendOnce(w http.ResponseWriter, all string, tokens int) {
	text, _ := json.Marshal(all)
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"text\":%s,\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", text, tokens)
}

// pieces is the golden answer token by token, or so many made ones.
func pieces(prompt string, tokens int) []string {
	golden, err := quality.ReadTexts(stackbench.Testdata(), GPT2)
	if err != nil {
		return nil
	}
	for _, l := range workload.KnownLengths() {
		known, _ := workload.KnownPrompts(stackbench.Testdata(), l)
		for _, p := range known {
			if p.Text != prompt {
				continue
			}
			a, from := golden.Answers[p.ID], 0
			var out []string
			for _, end := range a.Ends[:tokens] {
				out, from = append(out, a.Text[from:end]), end
			}
			return out
		}
	}
	return strings.SplitAfter(strings.Repeat(made, tokens), " ")[:tokens]
}

// crowd is the connections that are open and have asked for text: the users of
// a closed loop, whether or not each has a request open at this moment.
type crowd struct {
	mu    sync.Mutex
	users map[string]bool
}

func (c *crowd) ask(addr string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users[addr] = true
	return int64(len(c.users))
}

func (c *crowd) leave(conn net.Conn, s http.ConnState) {
	if s == http.StateClosed {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.users, conn.RemoteAddr().String())
	}
}

// serveTexts answers completions, and a page of vLLM's counters.
func serveTexts(how string, users *crowd) {
	var asked atomic.Int64
	http.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(100)
		completions(how, w, r, users.ask(r.RemoteAddr))
	})
	http.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		found := int64(0)
		if how == "cached" {
			found = asked.Load()
		}
		_, _ = fmt.Fprintf(w, "vllm:prefix_cache_queries_total %d\nvllm:prefix_cache_hits_total %d\nvllm:num_requests_waiting 0\n", asked.Load(), found)
	})
}
