package oip_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/oip"
	"stackbench/stacks/embedded/internal/tensor"
)

func TestParseJSON(t *testing.T) {
	body := `{"id":"7","parameters":{"binary_data_output":true,"other":1},
	"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1, -2.5e-1],[3,4]]},
	{"name":"ids","datatype":"INT64","shape":[1,2],"data":[5,-6]},
	{"name":"TEXT","datatype":"BYTES","shape":[2],"data":["a man","[\"ü,\"]"]}],
	"outputs":[{"name":"y","parameters":{"binary_data":false}},{"name":"z"}]}`
	r, err := oip.Parse([]byte(body), len(body))
	require.NoError(t, err)
	no := false
	require.Equal(t, &oip.Request{
		ID: "7", Binary: true,
		Inputs: []tensor.Tensor{
			{Name: "x", Type: tensor.FP32, Shape: []int64{2, 2}, F32: []float32{1, -0.25, 3, 4}},
			{Name: "ids", Type: tensor.INT64, Shape: []int64{1, 2}, I64: []int64{5, -6}},
			{Name: "TEXT", Type: tensor.BYTES, Shape: []int64{2}, Bytes: [][]byte{[]byte("a man"), []byte(`["ü,"]`)}},
		},
		Outputs: []oip.Output{{Name: "y", Binary: &no}, {Name: "z"}},
	}, r)
}

func TestParseBinary(t *testing.T) {
	header := `{"inputs":[{"name":"a","datatype":"BYTES","shape":[1,1],"parameters":{"binary_data_size":6}},
	{"name":"b","datatype":"FP32","shape":[1],"data":[2]},
	{"name":"c","datatype":"INT64","shape":[1],"parameters":{"binary_data_size":8}}]}`
	body := append([]byte(header), 2, 0, 0, 0, 'h', 'i', 7, 0, 0, 0, 0, 0, 0, 0)
	r, err := oip.Parse(body, len(header))
	require.NoError(t, err)
	require.Equal(t, []tensor.Tensor{
		{Name: "a", Type: tensor.BYTES, Shape: []int64{1, 1}, Bytes: [][]byte{[]byte("hi")}},
		{Name: "b", Type: tensor.FP32, Shape: []int64{1}, F32: []float32{2}},
		{Name: "c", Type: tensor.INT64, Shape: []int64{1}, I64: []int64{7}},
	}, r.Inputs)
}

func TestBadRequests(t *testing.T) {
	check := func(body string, tail int, message string) {
		t.Helper()
		_, err := oip.Parse(append([]byte(body), make([]byte, tail)...), len(body))
		require.ErrorContains(t, err, message)
	}
	input := func(rest string) string { return `{"inputs":[{"name":"x",` + rest + `}]}` }
	check(`{"inputs":`, 0, "parse the request's JSON")
	check(`{"inputs":7}`, 0, "parse the request's JSON")
	check(`{}`, 3, "3 bytes follow")
	check(input(`"datatype":"FP32","shape":[2],"data":[1]`), 0, "1 elements of data, but the shape [2] has 2")
	check(input(`"datatype":"FP32","shape":[1],"data":["1"]`), 0, "where a number of FP32 belongs")
	check(input(`"datatype":"FP32","shape":[1],"data":[null]`), 0, "where a number of FP32 belongs")
	check(input(`"datatype":"FP32","shape":[1],"data":[1e99]`), 0, "where a number of FP32 belongs")
	check(input(`"datatype":"INT64","shape":[1],"data":[1.5]`), 0, "where a number of INT64 belongs")
	check(input(`"datatype":"BYTES","shape":[1],"data":[1]`), 0, "where a string belongs")
	check(input(`"datatype":"BYTES","shape":[1],"data":[{}]`), 0, "where a string belongs")
	check(input(`"datatype":"FP32","shape":[1],"data":1`), 0, "not an array")
	check(input(`"datatype":"FP32","shape":[1]`), 0, "not an array")
	check(input(`"datatype":"FP64","shape":[1],"data":[1]`), 0, `"FP64" is not supported`)
	check(input(`"datatype":"FP32","shape":[-1],"data":[]`), 0, "out of range")
	check(input(`"datatype":"FP32","shape":[99999999],"data":[1]`), 0, "1 elements of data")
	check(input(`"datatype":"FP32","shape":[1],"data":[1],"parameters":{"binary_data_size":4}`), 4, "both data and binary_data_size")
	check(input(`"datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}`), 3, "3 bytes are left")
	check(input(`"datatype":"FP32","shape":[1],"parameters":{"binary_data_size":-1}`), 3, "binary_data_size is -1")
	_, err := oip.Parse(nil, 1)
	require.ErrorContains(t, err, "a JSON header of 1 bytes in a body of 0")
}

func reply(t *testing.T, request string, out tensor.Tensor) (body []byte, length int) {
	t.Helper()
	r, err := oip.Parse([]byte(request), len(request))
	require.NoError(t, err)
	require.NoError(t, r.CheckOutputs(out.Name))
	body, length, err = r.Reply("m", out)
	require.NoError(t, err)
	return body, length
}

func TestReply(t *testing.T) {
	out := tensor.Tensor{Name: "y", Type: tensor.FP32, Shape: []int64{1, 2}, F32: []float32{0.1, -1e-7}}
	asJSON := `{"model_name":"m","model_version":"1","id":"a\"b","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.1,-1e-07]}]}`
	body, length := reply(t, `{"id":"a\"b"}`, out)
	require.Equal(t, asJSON, string(body))
	require.Equal(t, len(body), length)
	require.True(t, json.Valid(body))

	asBinary := `{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]}`
	for _, request := range []string{
		`{"parameters":{"binary_data_output":true}}`, `{"outputs":[{"name":"y","parameters":{"binary_data":true}}]}`,
	} {
		body, length = reply(t, request, out)
		require.Equal(t, asBinary, string(body[:length]))
		require.Equal(t, out.AppendRaw(nil), body[length:])
	}
	body, length = reply(t, `{"parameters":{"binary_data_output":true},"outputs":[{"name":"y","parameters":{"binary_data":false}}]}`, out)
	require.Len(t, body, length)
}

func TestReplyErrors(t *testing.T) {
	r := &oip.Request{Outputs: []oip.Output{{Name: "z"}}}
	require.ErrorContains(t, r.CheckOutputs("y"), `no output "z", only "y"`)
	for _, v := range []float64{math.NaN(), math.Inf(-1)} {
		_, _, err := new(oip.Request).Reply("m", tensor.Tensor{Name: "y", Type: tensor.FP32, Shape: []int64{1}, F32: []float32{float32(v)}})
		require.ErrorContains(t, err, "JSON cannot spell")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,[2]]}]}`), 70)
	f.Add([]byte(`{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":["a"]}]}`), 69)
	f.Add([]byte(`{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}`+"\x01\x00\x00\x00a"), 92)
	f.Fuzz(func(t *testing.T, body []byte, length int) {
		r, err := oip.Parse(body, length)
		if err != nil {
			return
		}
		for _, in := range r.Inputs {
			n, err := tensor.Elements(in.Shape)
			require.NoError(t, err)
			require.Equal(t, n, in.Length())
		}
	})
}

// FuzzFloats holds the numbers in a reply to what encoding/json reads.
func FuzzFloats(f *testing.F) {
	f.Add(uint32(0), uint32(1))
	f.Add(math.Float32bits(0.1), math.Float32bits(-1e20))
	f.Fuzz(func(t *testing.T, a, b uint32) {
		want := []float32{math.Float32frombits(a), math.Float32frombits(b)}
		body, _, err := new(oip.Request).Reply("m", tensor.Tensor{Name: "y", Type: tensor.FP32, Shape: []int64{2}, F32: want})
		if err != nil {
			return
		}
		var got struct {
			Outputs []struct {
				Data []float32 `json:"data"`
			} `json:"outputs"`
		}
		require.NoError(t, json.Unmarshal(body, &got))
		require.Equal(t, want, got.Outputs[0].Data)
	})
}

func BenchmarkParseImageJSON(b *testing.B) {
	body := []byte(`{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3,224,224],"data":[`)
	for i := range 3 * 224 * 224 {
		if i > 0 {
			body = append(body, ',')
		}
		body = strconv.AppendFloat(body, math.Sin(float64(i)), 'g', -1, 32)
	}
	body = append(body, `]}]}`...)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, err := oip.Parse(body, len(body))
		require.NoError(b, err)
	}
}
