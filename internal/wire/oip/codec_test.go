package oip

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/oippb"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

var question = Request{
	Model: "all minilm",
	Inputs: []Tensor{
		NewINT64("input_ids", []int64{1, 2}, []int64{101, 102}),
		NewFP32("scale", []int64{1, 3}, []float32{1, 0.1, -2e10}),
	},
	Outputs: []string{"sentence_embedding"},
}

func head(n int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nInference-Header-Content-Length: %d\r\n\r\n", n)
}

func TestEncodeBinary(t *testing.T) {
	r, err := EncodeREST(question)
	require.NoError(t, err)
	require.Equal(t, http1.Field{Name: "Content-Type", Value: "application/octet-stream"}, r.Header[0])
	require.Equal(t, "Inference-Header-Content-Length", r.Header[1].Name)
	n, err := strconv.Atoi(r.Header[1].Value)
	require.NoError(t, err)
	require.JSONEq(t, `{"inputs":[
		{"name":"input_ids","datatype":"INT64","shape":[1,2],"parameters":{"binary_data_size":16}},
		{"name":"scale","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}],
		"outputs":[{"name":"sentence_embedding","parameters":{"binary_data":true}}]}`, string(r.Body[:n]))
	require.Equal(t, append(append([]byte{}, question.Inputs[0].Data...), question.Inputs[1].Data...), r.Body[n:])

	all := question
	all.Outputs = nil
	r, err = EncodeREST(all)
	require.NoError(t, err)
	require.Contains(t, string(r.Body), `"parameters":{"binary_data_output":true}`)
}

// Every datatype that JSON can carry becomes the bytes that its raw form has.
func TestJSONData(t *testing.T) {
	for datatype, c := range map[string]struct {
		text string
		data []byte
	}{
		FP32: {"[1.5, -0.1]", []byte{0, 0, 0xc0, 0x3f, 0xcd, 0xcc, 0xcc, 0xbd}}, "FP64": {"[-2]", []byte{0, 0, 0, 0, 0, 0, 0, 0xc0}},
		"INT8": {"[1,-2]", []byte{1, 0xfe}}, "INT16": {"[-2]", []byte{0xfe, 0xff}}, "INT32": {"[258]", []byte{2, 1, 0, 0}},
		INT64:   {"[-9223372036854775808]", []byte{0, 0, 0, 0, 0, 0, 0, 0x80}},
		"UINT8": {"[[200],[1]]", []byte{200, 1}}, "UINT16": {"[258]", []byte{2, 1}}, "UINT32": {"[4294967295]", []byte{0xff, 0xff, 0xff, 0xff}},
		"UINT64": {"[18446744073709551615]", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		"BOOL":   {"[false,true,true]", []byte{0, 1, 1}}, BYTES: {`["hi",""]`, []byte{2, 0, 0, 0, 'h', 'i', 0, 0, 0, 0}},
	} {
		got, err := fromJSON([]byte(c.text), datatype)
		require.NoError(t, err, datatype)
		require.Equal(t, c.data, got, datatype)
	}
}

func TestEncodeRefuses(t *testing.T) {
	jpeg := NewBYTES("IMAGE", []int64{1, 1}, [][]byte{{0xff, 0xd8}})
	_, err := EncodeREST(Request{Model: "m", Inputs: []Tensor{jpeg}})
	require.NoError(t, err)
	_, err = EncodeREST(Request{Model: "m"})
	require.ErrorContains(t, err, "needs a model and an input")
	_, err = EncodeGRPC(Request{Model: "m", Inputs: []Tensor{{"x", FP32, []int64{2}, []byte{0}}}})
	require.ErrorContains(t, err, "is 1 bytes long, not 8")
}

func TestDecodeREST(t *testing.T) {
	want := []Tensor{NewFP32("logits", []int64{1, 2}, []float32{1, 2}), NewBYTES("names", []int64{2}, [][]byte{[]byte("a"), []byte("bc")})}
	plain := `{"model_name":"m","outputs":[{"name":"logits","datatype":"FP32","shape":[1,2],"data":[[1,2.0]]},
		{"name":"names","datatype":"BYTES","shape":[2],"data":["a","bc"]}]}`
	got, err := DecodeREST(record.Answer{Body: []byte(plain)})
	require.NoError(t, err)
	require.Equal(t, want, got)

	both := `{"outputs":[{"name":"logits","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}},
		{"name":"names","datatype":"BYTES","shape":[2],"data":["a","bc"]}]}`
	body := append([]byte(both), want[0].Data...)
	got, err = DecodeREST(record.Answer{Head: head(len(both)), Body: body})
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestDecodeRESTRefusesNonsense(t *testing.T) {
	empty := `{"outputs":[{"name":"y","datatype":"FP32","shape":[1,1000],"parameters":{"binary_data_size":0}}]}`
	long := `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":9}}]}`
	one := `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1]}]}`
	for _, c := range []struct {
		a    record.Answer
		want string
	}{
		{record.Answer{}, "not the protocol's JSON"},
		{record.Answer{Body: []byte("<html>")}, `begins with "<html>"`},
		{record.Answer{Body: []byte("{}")}, "no outputs"},
		{record.Answer{Body: []byte(`{"error":"x"}`)}, "no outputs in"},
		{record.Answer{Head: head(999), Body: []byte(one)}, "does not fit a body"},
		{record.Answer{Head: head(-1), Body: []byte(one)}, "does not fit a body"},
		{record.Answer{Head: head(len(empty)), Body: []byte(empty)}, "numpy<2"},
		{record.Answer{Head: head(len(long)), Body: []byte(long + "12345678")}, "does not fit the 8 bytes left"},
		{record.Answer{Head: head(len(one)), Body: []byte(one + "12345678")}, "8 bytes belong to no output"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1]}]}`)}, "neither data nor"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[]}]}`)}, "numpy<2"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1,2]}]}`)}, "is 8 bytes long, not 4"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":["x"]}]}`)}, "not an element of FP32"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":7}]}`)}, "not an array"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[{}]}]}`)}, "not an element"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"INT8","shape":[1],"data":[300]}]}`)}, "out of range"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1e99]}]}`)}, "out of range"},
		{record.Answer{Body: []byte(`{"outputs":[{"name":"y","datatype":"FP16","shape":[1],"data":[1]}]}`)}, "not an element"},
	} {
		_, err := DecodeREST(c.a)
		require.ErrorContains(t, err, c.want, "%s", c.a.Body)
	}
}

func TestGRPCRoundTrip(t *testing.T) {
	b, err := EncodeGRPC(question)
	require.NoError(t, err)
	var m oippb.ModelInferRequest
	require.NoError(t, proto.Unmarshal(b, &m))
	require.Equal(t, "all minilm", m.ModelName)
	require.Equal(t, question.Inputs[1].Data, m.RawInputContents[1])
	require.Equal(t, []int64{1, 2}, m.Inputs[0].Shape)
	require.Equal(t, "sentence_embedding", m.Outputs[0].Name)
}

func marshal(t testing.TB, raw [][]byte, outputs ...*oippb.ModelInferResponse_InferOutputTensor) []byte {
	t.Helper()
	b, err := proto.Marshal(&oippb.ModelInferResponse{Outputs: outputs, RawOutputContents: raw})
	require.NoError(t, err)
	return b
}

func output(datatype string, shape []int64, c *oippb.InferTensorContents) *oippb.ModelInferResponse_InferOutputTensor {
	return &oippb.ModelInferResponse_InferOutputTensor{Name: "y", Datatype: datatype, Shape: shape, Contents: c}
}

func TestDecodeGRPC(t *testing.T) {
	want := NewFP32("y", []int64{1, 2}, []float32{1, 2})
	for _, b := range [][]byte{
		marshal(t, [][]byte{want.Data}, output(FP32, want.Shape, nil)),
		marshal(t, nil, output(FP32, want.Shape, &oippb.InferTensorContents{Fp32Contents: []float32{1, 2}})),
	} {
		got, err := DecodeGRPC(record.Answer{Body: b})
		require.NoError(t, err)
		require.Equal(t, []Tensor{want}, got)
	}
	for datatype, c := range map[string]*oippb.InferTensorContents{
		"BOOL": {BoolContents: []bool{true, false}}, "INT8": {IntContents: []int32{1, -1}}, "INT16": {IntContents: []int32{1, -1}},
		"INT32": {IntContents: []int32{1, -1}}, INT64: {Int64Contents: []int64{1, -1}}, "UINT8": {UintContents: []uint32{1, 2}},
		"UINT16": {UintContents: []uint32{1, 2}}, "UINT32": {UintContents: []uint32{1, 2}}, "UINT64": {Uint64Contents: []uint64{1, 2}},
		"FP64": {Fp64Contents: []float64{1, 2}}, BYTES: {BytesContents: [][]byte{{1}, {}}},
	} {
		_, err := DecodeGRPC(record.Answer{Body: marshal(t, nil, output(datatype, []int64{2}, c))})
		require.NoError(t, err, datatype)
	}
}

func TestDecodeGRPCRefusesNonsense(t *testing.T) {
	y := output(FP32, []int64{1, 2}, nil)
	for want, b := range map[string][]byte{
		"no outputs":               nil,
		"not a ModelInferResponse": []byte("<html>"),
		"2 raw contents for 1":     marshal(t, [][]byte{{1}, {2}}, y),
		"numpy<2":                  marshal(t, [][]byte{{}}, y),
		"numpy<2 ":                 marshal(t, nil, y),
		"is 4 bytes long, not 8":   marshal(t, [][]byte{{1, 2, 3, 4}}, y),
		"not the shape of data":    marshal(t, [][]byte{{1, 2, 3, 4}}, output(FP32, []int64{-1}, nil)),
		"unknown datatype":         marshal(t, [][]byte{{1, 2, 3, 4}}, output("X", []int64{1}, nil)),
	} {
		_, err := DecodeGRPC(record.Answer{Body: b})
		require.Error(t, err)
		require.Contains(t, err.Error()+" ", want)
	}
}

func FuzzDecodeREST(f *testing.F) {
	f.Add([]byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[[1]]}]}`), -1)
	f.Add([]byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}1234`), 86)
	f.Add([]byte(`{"outputs":[{"name":"y","datatype":"BYTES","shape":[1],"data":["x"]}]}`), -1)
	f.Add([]byte(`{"outputs":[{"name":"y","datatype":"INT8","shape":[4611686018427387904,4],"data":[true,null]}]}`), -1)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		a := record.Answer{Body: body}
		if n >= 0 {
			a.Head = head(n)
		}
		readable(t, a, DecodeREST)
	})
}

func FuzzDecodeGRPC(f *testing.F) {
	y := output(FP32, []int64{1}, nil)
	f.Add(marshal(f, [][]byte{{1, 2, 3, 4}}, y))
	f.Add(marshal(f, nil, output(BYTES, []int64{1}, &oippb.InferTensorContents{BytesContents: [][]byte{{1}}})))
	f.Fuzz(func(t *testing.T, body []byte) {
		readable(t, record.Answer{Body: body}, DecodeGRPC)
		readable(t, record.Answer{Body: body}, DecodeStream)
	})
}

// readable checks that what decodes without an error can also be read.
func readable(t *testing.T, a record.Answer, decode func(record.Answer) ([]Tensor, error)) {
	all, err := decode(a)
	if err != nil {
		return
	}
	require.NotEmpty(t, all)
	for _, x := range all {
		require.NoError(t, x.Validate())
		switch x.Datatype {
		case FP32:
			_, err = x.Float32s()
		case INT64:
			_, err = x.Int64s()
		case BYTES:
			_, err = x.Elements()
		}
		require.NoError(t, err)
	}
}

func TestDecodeStream(t *testing.T) {
	message := func(m *oippb.ModelStreamInferResponse) record.Answer {
		b, err := proto.Marshal(m)
		require.NoError(t, err)
		return record.Answer{Body: b}
	}
	good := &oippb.ModelInferResponse{
		Outputs:           []*oippb.ModelInferResponse_InferOutputTensor{{Name: "y", Datatype: "FP32", Shape: []int64{1, 2}}},
		RawOutputContents: [][]byte{{0, 0, 128, 63, 0, 0, 0, 64}},
	}
	got, err := DecodeStream(message(&oippb.ModelStreamInferResponse{InferResponse: good}))
	require.NoError(t, err)
	values, err := got[0].Float32s()
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2}, values)
	_, err = DecodeStream(message(&oippb.ModelStreamInferResponse{ErrorMessage: "no such model", InferResponse: good}))
	require.EqualError(t, err, "decode oip answer: the server says: no such model")
	_, err = DecodeStream(record.Answer{})
	require.EqualError(t, err, "decode oip answer: there are no outputs in a message of 0 bytes")
	_, err = DecodeStream(record.Answer{Body: []byte("<html>")})
	require.ErrorContains(t, err, "not a ModelStreamInferResponse")
}
