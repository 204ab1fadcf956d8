package generation

import (
	"bytes"
	"encoding/json"
)

// Contracts look into events while the clock runs: they walk the JSON in place,
// down to the values that they know by their path, and copy nothing. A search
// for a key anywhere would take what an error quotes, or a list of log
// probabilities says, for text. Whether all of it is valid JSON is not their
// question: kept answers are decoded after the window.

// Members walks the members of an object. The zero value has none.
type Members struct {
	Name  []byte // without its quotes
	Value []byte // as it stands, spaces around it left out
	rest  []byte
}

// Object walks the members of value, which has none if it is no object.
func Object(value []byte) Members { return Members{rest: inside(value, '{')} }

// Next goes on to the next member that is there in full.
func (m *Members) Next() bool {
	rest := trim(m.rest)
	m.rest = nil
	if len(rest) == 0 || rest[0] != '"' {
		return false
	}
	n := stringEnd(rest)
	if n == 0 {
		return false
	}
	name := rest[:n]
	rest = trim(rest[n:])
	if len(rest) == 0 || rest[0] != ':' {
		return false
	}
	value, rest := first(rest[1:])
	if value == nil {
		return false
	}
	m.Name, m.Value, m.rest = unquoted(name), value, rest
	return true
}

// unquoted is a name without quotes and escapes, which hardly any name has.
func unquoted(name []byte) []byte {
	if bytes.IndexByte(name, '\\') >= 0 {
		var s string
		if json.Unmarshal(name, &s) == nil {
			return []byte(s)
		}
	}
	return name[1 : len(name)-1]
}

// Items walks the values of an array. The zero value has none.
type Items struct {
	Value []byte
	rest  []byte
}

// Array walks the values of value, which has none if it is no array.
func Array(value []byte) Items { return Items{rest: inside(value, '[')} }

// Next goes on to the next value that is there in full.
func (i *Items) Next() bool {
	i.Value, i.rest = first(i.rest)
	return i.Value != nil
}

// Field is the value of the object's member of that name, the last one of
// several; nil when there is none.
func Field(object []byte, name string) []byte {
	var value []byte
	for m := Object(object); m.Next(); {
		if string(m.Name) == name {
			value = m.Value
		}
	}
	return value
}

// Told reports whether there is a value, other than null.
func Told(value []byte) bool { return len(value) > 0 && string(value) != "null" }

// IsString reports whether the value is this string.
func IsString(value []byte, s string) bool {
	return len(value) == len(s)+2 && value[0] == '"' && string(value[1:len(s)+1]) == s
}

// HasText reports whether the value is a string that is not empty.
func HasText(value []byte) bool { return len(value) > 2 && value[0] == '"' }

// Count is the value as a whole number; 0 when it is none.
func Count(value []byte) int {
	n := 0
	for _, c := range value {
		if c < '0' || c > '9' || n > 1<<40 {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// inside is what follows the opening of a value; nil of a value of another kind.
func inside(value []byte, open byte) []byte {
	value = trim(value)
	if len(value) == 0 || value[0] != open {
		return nil
	}
	return value[1:]
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// first is the first value in b, and what follows it and its comma. A value is
// nil unless something stands behind it: it might go on.
func first(b []byte) (value, rest []byte) {
	b = trim(b)
	n := valueEnd(b)
	rest = trim(b[n:])
	switch {
	case n == 0 || len(rest) == 0:
		return nil, nil
	case rest[0] == ',':
		return b[:n], rest[1:]
	}
	return b[:n], nil
}

// valueEnd is the size of the value that b begins with; 0 when there is none
// or it does not end.
func valueEnd(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"':
		return stringEnd(b)
	case '{', '[':
		return nestedEnd(b)
	}
	n := bytes.IndexAny(b, ",]} \t\r\n")
	return max(n, 0)
}

func nestedEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringEnd(b[i:])
			if n == 0 {
				return 0
			}
			i += n - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// stringEnd is the size of the string that b begins with, its quotes included;
// 0 when it does not end.
func stringEnd(b []byte) int {
	for i := 1; ; {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			return 0
		}
		i += quote
		escapes := 0
		for b[i-1-escapes] == '\\' {
			escapes++
		}
		if i++; escapes%2 == 0 {
			return i
		}
	}
}
