package generation

import "bytes"

// Value is what follows the first key in data, spaces skipped; nil when there
// is none. The key is given with its quotes and colon: inside a JSON string
// each quote is escaped, so such a key cannot be a part of some text.
func Value(data []byte, key string) []byte {
	i := bytes.Index(data, []byte(key))
	if i < 0 {
		return nil
	}
	v := data[i+len(key):]
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	return v
}

// HasText reports whether the value of the key is a string that is not empty.
func HasText(data []byte, key string) bool {
	v := Value(data, key)
	return len(v) > 1 && v[0] == '"' && v[1] != '"'
}

// Count is the value of the key as a whole number; 0 when it is none.
func Count(data []byte, key string) int {
	n := 0
	for _, c := range Value(data, key) {
		if c < '0' || c > '9' || n > 1<<40 {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}
