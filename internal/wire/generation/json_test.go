package generation

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestFields(t *testing.T) {
	for data, want := range map[string]string{
		`{"a":1}`:                         `1`,
		"{ \"a\" :\t1 , \"b\":2\n}":       `1`,
		`{"b":{"a":2},"a":{"b":[1,"}"]}}`: `{"b":[1,"}"]}`,
		`{"b":"\"a\":3","a":"x\\"}`:       `"x\\"`,
		`{"b":[{"a":2}],"a":null}`:        `null`,
		`{"a":1,"a":2}`:                   `2`,
		`{"\u0061":1}`:                    `1`,
		`{"b":{"a":1}}`:                   ``,
		`[{"a":1}]`:                       ``,
		`{"a":"cut`:                       ``,
		`{"a":{"b":1}`:                    ``,
		`{"a":12`:                         ``,
		`{"a"`:                            ``,
		`{"a":}`:                          ``,
		`{a:1}`:                           ``,
		``:                                ``,
		`"a"`:                             ``,
	} {
		require.Equal(t, want, string(Field([]byte(data), "a")), data)
	}
	var items []string
	for a := Array([]byte(` [1, "b,]", [2,3],{"c":4} ]`)); a.Next(); {
		items = append(items, string(a.Value))
	}
	require.Equal(t, []string{"1", `"b,]"`, "[2,3]", `{"c":4}`}, items)
	require.True(t, IsString([]byte(`"ab"`), "ab"))
	require.False(t, IsString([]byte(`"abc"`), "ab") || IsString([]byte(`ab`), "ab") || IsString(nil, ""))
	require.True(t, Told([]byte("1")))
	require.False(t, Told([]byte("null")) || Told(nil))
}

// The walk costs a window nothing but its time.
func TestTheWalkAllocatesNothing(t *testing.T) {
	data := []byte(`{"id":"cmpl-7","choices":[{"index":0,"text":" ro"}],"usage":{"completion_tokens":3}}`)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for a := Array(Field(data, "choices")); a.Next(); {
			HasText(Field(a.Value, "text"))
		}
		Count(Field(Field(data, "usage"), "completion_tokens"))
	}))
}

// Of valid JSON the walk finds what a decoder does.
func FuzzWalkAgreesWithJSON(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":[1,"}"]},"b":"\"a\":3"}`, `{"\u0061":1,"a":2}`, ` [1, "b,]", [2,3],{"c":4} ]`, `{"a":"\\"}`, `[]`, `{}`, `"`, `{"a":12`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := map[string]json.RawMessage{}
		for m := Object(data); m.Next(); {
			got[string(m.Name)] = m.Value
		}
		var list []json.RawMessage
		for a := Array(data); a.Next(); {
			list = append(list, a.Value)
		}
		if !json.Valid(data) || !utf8.Valid(data) || bytes.Contains(data, []byte(`\u`)) {
			return // it has ended: that is all that is asked
		}
		var object map[string]json.RawMessage
		var array []json.RawMessage
		if json.Unmarshal(data, &object) == nil && object != nil {
			require.Equal(t, object, got)
		}
		if json.Unmarshal(data, &array) == nil && len(array) > 0 {
			require.Equal(t, array, list)
		}
	})
}
