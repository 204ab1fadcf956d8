// Package jsontext appends JSON values to byte slices: a reply of 100,000
// floats is written in one buffer, without reflection.
package jsontext

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// AppendFloats appends an array of numbers, each in the fewest digits that
// read back as the same float32. JSON has no NaN and no infinity: an error.
func AppendFloats(dst []byte, values []float32) ([]byte, error) {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = AppendFloat(dst, v); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return append(dst, ']'), nil
}

// AppendFloat appends one number as AppendFloats does.
func AppendFloat(dst []byte, v float32) ([]byte, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("the model computed %g, which JSON cannot spell", f)
	}
	return strconv.AppendFloat(dst, float64(v), 'g', -1, 32), nil
}

// AppendString appends a quoted string.
func AppendString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("a string is always JSON: " + err.Error())
	}
	return append(dst, quoted...)
}
