package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/service"
)

// maxSocketMessage is the contract's.
const maxSocketMessage = 1 << 20

// socketRequest is a client's message, as docs/wsgen.md has it.
type socketRequest struct {
	Type   string `json:"type"`
	Model  string `json:"model"`
	Prompt string `json:"prompt"`
	Tokens int    `json:"max_tokens"`
	Exact  bool   `json:"exact"`
}

// socketMessage is a server's.
type socketMessage struct {
	Type    string `json:"type"` // token, end or error
	Text    string `json:"text,omitempty"`
	Tokens  int    `json:"tokens,omitempty"`
	Prompt  int    `json:"prompt_tokens,omitempty"`
	Finish  string `json:"finish_reason,omitempty"`
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// incoming is a message as it came.
type incoming struct {
	kind websocket.MessageType
	data []byte
}

// socket answers GET /v1/generate: a connection that carries one request after
// the other, until the client leaves or the server stops.
func (a *API) socket(w http.ResponseWriter, r *http.Request) {
	if !a.open() {
		writeError(w, fault.New(fault.NotReady, "the server is stopping"))
		return
	}
	defer a.sockets.Done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // the client has been told
	}
	conn.SetReadLimit(maxSocketMessage)
	ctx, leave := context.WithCancel(r.Context())
	requests := make(chan incoming, 1)
	var reading sync.WaitGroup
	defer func() {
		leave()
		_ = conn.CloseNow() // an error says that it is closed
		reading.Wait()
	}()
	// Somebody must read while an answer is written, or nobody would see the client leave.
	reading.Go(func() {
		defer leave()
		for {
			kind, data, err := conn.Read(ctx)
			if err != nil {
				return
			}
			select {
			case requests <- incoming{kind, data}:
			case <-ctx.Done():
				return
			}
		}
	})
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.stopping:
			_ = conn.Close(websocket.StatusGoingAway, "the server is stopping")
			return
		case m := <-requests:
			a.converse(ctx, conn, m)
		}
	}
}

// converse answers one message. It is counted before its last message is sent:
// who has read that may look.
func (a *API) converse(ctx context.Context, conn *websocket.Conn, m incoming) {
	send := func(m socketMessage) error {
		data, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return conn.Write(ctx, websocket.MessageText, data)
	}
	var last generation.Chunk
	err := a.generate(ctx, m, func(c generation.Chunk) error {
		last = c
		if c.Tokens == 0 && c.Text == "" {
			return nil
		}
		return send(socketMessage{Type: "token", Text: c.Text, Tokens: c.Tokens})
	})
	if err != nil {
		status := fault.KindOf(err).Status()
		a.metrics.Answered(status)
		_ = send(socketMessage{Type: "error", Code: status, Message: err.Error()}) // the client has left when this fails
		return
	}
	a.metrics.Answered(http.StatusOK)
	_ = send(socketMessage{Type: "end", Tokens: last.Total, Prompt: last.Prompt, Finish: last.Finish})
}

func (a *API) generate(ctx context.Context, m incoming, give func(generation.Chunk) error) error {
	s, err := a.current()
	if err != nil {
		return err
	}
	if m.kind != websocket.MessageText {
		return fault.New(fault.Invalid, "a binary message: the contract has text")
	}
	var r socketRequest
	if err := json.Unmarshal(m.data, &r); err != nil {
		return fault.New(fault.Invalid, "parse the message's JSON: %v", err)
	}
	if r.Type != "generate" {
		return fault.New(fault.Invalid, "a message of type %.40q: want generate", r.Type)
	}
	if err := service.Only(s, r.Model); err != nil {
		return err
	}
	order := generation.Request{Prompt: r.Prompt, Max: r.Tokens}
	if r.Exact {
		order.Min = r.Tokens
	}
	if err := order.Check(); err != nil {
		return err
	}
	model, err := service.As[generator](s, generateText)
	if err != nil {
		return err
	}
	return model.Generate(ctx, order, give)
}

// open counts a connection, unless the server stops.
func (a *API) open() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.stopping:
		return false
	default:
		a.sockets.Add(1)
		return true
	}
}

// Stop ends the connections that stay, each once the answer under way has ended,
// and returns when all have ended or ctx has.
func (a *API) Stop(ctx context.Context) {
	a.mu.Lock()
	select {
	case <-a.stopping:
	default:
		close(a.stopping)
	}
	a.mu.Unlock()
	done := make(chan struct{})
	go func() { a.sockets.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
