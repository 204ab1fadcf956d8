package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/jsontext"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/tensor"
)

// topCount is the number of classes that /predict tells.
const topCount = 5

// classifier is a model that gives the logits [n, classes] of n JPEG files.
type classifier interface {
	Classify(ctx context.Context, files [][]byte) (tensor.Tensor, error)
}

// predict answers POST /predict, whose body is one JPEG file.
func (a *API) predict(s service.Served, w http.ResponseWriter, r *http.Request) error {
	file, err := readBody(r, 0)
	if err != nil {
		return err
	}
	if len(file) == 0 {
		return fault.New(fault.Invalid, "the body is empty; it must be one JPEG file")
	}
	model, err := service.As[classifier](s, "classify images")
	if err != nil {
		return err
	}
	output, err := model.Classify(r.Context(), [][]byte{file})
	if err != nil {
		return err
	}
	start := time.Now()
	b := append(make([]byte, 0, 320), `{"model":`...)
	b = jsontext.AppendString(b, s.Info().Model)
	b = append(b, `,"top":[`...)
	for i, class := range top(output.F32, topCount) {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"index":`...), int64(class), 10)
		if b, err = jsontext.AppendFloat(append(b, `,"logit":`...), output.F32[class]); err != nil {
			return err
		}
		b = append(b, '}')
	}
	b = append(b, `]}`...)
	a.metrics.Postprocessed(time.Since(start))
	writeBody(w, http.StatusOK, "application/json", b)
	return nil
}

// top returns the indices of the n largest values, largest first; of equal
// values the lower index comes first.
func top(values []float32, n int) []int {
	best := make([]int, 0, n+1)
	for i, v := range values {
		at := len(best)
		for at > 0 && v > values[best[at-1]] {
			at--
		}
		if at == n {
			continue
		}
		best = append(best, 0)
		copy(best[at+1:], best[at:])
		best[at] = i
		best = best[:min(len(best), n)]
	}
	return best
}
