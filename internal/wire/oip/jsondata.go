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
)

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
