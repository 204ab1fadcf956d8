package oip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// toJSON writes a tensor's data as one flat array.
func toJSON(t Tensor) (json.RawMessage, error) {
	if t.Datatype == BYTES {
		return stringsToJSON(t)
	}
	size := int(width(t.Datatype))
	out := []byte{'['}
	for b := t.Data; len(b) > 0; b = b[size:] {
		if len(out) > 1 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendNumber(out, t.Datatype, b); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return append(out, ']'), nil
}

func appendNumber(out []byte, datatype string, b []byte) ([]byte, error) {
	le := binary.LittleEndian
	switch datatype {
	case FP32:
		return appendFloat(out, float64(math.Float32frombits(le.Uint32(b))), 32)
	case "FP64":
		return appendFloat(out, math.Float64frombits(le.Uint64(b)), 64)
	case "BOOL":
		return strconv.AppendBool(out, b[0] != 0), nil
	case "INT8":
		return strconv.AppendInt(out, int64(int8(b[0])), 10), nil
	case "INT16":
		return strconv.AppendInt(out, int64(int16(le.Uint16(b))), 10), nil
	case "INT32":
		return strconv.AppendInt(out, int64(int32(le.Uint32(b))), 10), nil
	case INT64:
		return strconv.AppendInt(out, int64(le.Uint64(b)), 10), nil
	case "UINT8":
		return strconv.AppendUint(out, uint64(b[0]), 10), nil
	case "UINT16":
		return strconv.AppendUint(out, uint64(le.Uint16(b)), 10), nil
	case "UINT32":
		return strconv.AppendUint(out, uint64(le.Uint32(b)), 10), nil
	case "UINT64":
		return strconv.AppendUint(out, le.Uint64(b), 10), nil
	}
	return nil, fmt.Errorf("datatype %.20q has no JSON form, use the binary one", datatype)
}

func appendFloat(out []byte, v float64, bits int) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%v has no JSON form, use the binary one", v)
	}
	return strconv.AppendFloat(out, v, 'g', -1, bits), nil
}

func stringsToJSON(t Tensor) (json.RawMessage, error) {
	elements, err := t.elements()
	if err != nil {
		return nil, err
	}
	list := make([]string, len(elements))
	for i, e := range elements {
		if !utf8.Valid(e) {
			return nil, fmt.Errorf("tensor %q: element %d is not UTF-8, which JSON cannot carry: use the binary form", t.Name, i)
		}
		list[i] = string(e)
	}
	return json.Marshal(list)
}

// fromJSON reads an array, flat or nested as the protocol allows, into raw
// data. Nesting is not compared with the shape; the number of elements is, later.
func fromJSON(data json.RawMessage, datatype string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var out []byte
	for first := true; ; first = false {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read data: %w", err)
		}
		if delim, ok := token.(json.Delim); ok && (delim == '[' || delim == ']') {
			continue
		}
		if first {
			return nil, fmt.Errorf("data are not an array but %.40q", data)
		}
		if out, err = appendElement(out, datatype, token); err != nil {
			return nil, err
		}
	}
}

func appendElement(out []byte, datatype string, token json.Token) ([]byte, error) {
	switch v := token.(type) {
	case string:
		if datatype == BYTES {
			return append(binary.LittleEndian.AppendUint32(out, uint32(len(v))), v...), nil
		}
	case bool:
		if datatype == "BOOL" && v {
			return append(out, 1), nil
		}
		if datatype == "BOOL" {
			return append(out, 0), nil
		}
	case json.Number:
		return parseNumber(out, datatype, v.String())
	}
	return nil, fmt.Errorf("%.40q is not an element of %.20s", fmt.Sprint(token), datatype)
}

func parseNumber(out []byte, datatype, text string) ([]byte, error) {
	le := binary.LittleEndian
	bits := int(8 * width(datatype))
	switch datatype {
	case FP32:
		v, err := strconv.ParseFloat(text, 32)
		return le.AppendUint32(out, math.Float32bits(float32(v))), err
	case "FP64":
		v, err := strconv.ParseFloat(text, 64)
		return le.AppendUint64(out, math.Float64bits(v)), err
	case "INT8", "INT16", "INT32", INT64:
		v, err := strconv.ParseInt(text, 10, bits)
		return appendInteger(out, uint64(v), bits), err
	case "UINT8", "UINT16", "UINT32", "UINT64":
		v, err := strconv.ParseUint(text, 10, bits)
		return appendInteger(out, v, bits), err
	}
	return nil, fmt.Errorf("%.40s is not an element of %.20q", text, datatype)
}

func appendInteger(out []byte, v uint64, bits int) []byte {
	for ; bits > 0; bits -= 8 {
		out = append(out, byte(v))
		v >>= 8
	}
	return out
}
