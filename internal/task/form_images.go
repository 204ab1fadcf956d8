package task

import (
	"slices"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

// jpegForm is images as JPEG.
type jpegForm struct{}

// album makes them.
type album struct{ *workload.Album }

func (a album) Item(i int) Item { return named(a.ID(i)) }

func (a album) Make(salt uint64, i int) (content, error) { return file(a.Image(salt, i).JPEG), nil }

func file(jpeg []byte) content { return raw[[]byte]{stack.JPEG, jpeg} }

// source is one for all models: encoding its strips takes half a second.
func (jpegForm) source(s *Supply, _ Served) (source, error) {
	return s.once(stack.JPEG, func() (source, error) {
		a, err := workload.NewAlbum(stackbench.Testdata())
		return album{a}, err
	})
}

func (jpegForm) committed(Served) (Fixed, error) {
	list, err := workload.Photographs(stackbench.Testdata())
	return oneEach(list, err, func(i workload.Image) (Item, content) { return named(i.ID, i.Golden), file(i.JPEG) })
}

// tensorForm is images that the client decoded and scaled.
type tensorForm struct{}

type pixels struct{ *workload.Tensors }

func (p pixels) Item(i int) Item { return named(p.ID(i)) }

func (p pixels) Make(salt uint64, i int) (content, error) {
	return values32(p.Tensor(salt, i).Data), nil
}

func values32(data []float32) content { return raw[[]float32]{stack.Tensor, data} }

func (tensorForm) source(_ *Supply, m Served) (source, error) {
	list, err := workload.NewTensors(stackbench.Testdata(), m.Norm)
	return pixels{list}, err
}

func (tensorForm) committed(m Served) (Fixed, error) {
	list, err := workload.NewTensors(stackbench.Testdata(), m.Norm)
	if err != nil {
		return nil, err
	}
	return oneEach(list.Cuts(), nil, func(t workload.Tensor) (Item, content) { return named(t.ID, t.Golden), values32(t.Data) })
}

// joined are the tensors of a request one after the other.
func joined(b batch) []float32 { return slices.Concat(carried[[]float32](b)...) }
