package workload

import (
	"fmt"
	"io/fs"
)

// Image is one JPEG to classify.
type Image struct {
	ID     string // of the photograph in testdata/images; of a made one its size and number
	Golden bool   // there is a golden answer for ID
	JPEG   []byte
}

// photograph is an entry of testdata/images/manifest.json.
type photograph struct {
	ID     string `json:"id"`
	File   string `json:"file"`
	Labels []int  `json:"labels"`
}

// Photographs gives the committed images, each as it is.
func Photographs(testdata fs.FS) ([]Image, error) { return photographs(testdata) }

// Labels gives the ImageNet classes that are right for each photograph that
// shows one.
func Labels(testdata fs.FS) (map[string][]int, error) {
	list, err := readJSON[[]photograph](testdata, "images/manifest.json")
	if err != nil {
		return nil, err
	}
	labels := map[string][]int{}
	for _, p := range list {
		if len(p.Labels) > 0 {
			labels[p.ID] = p.Labels
		}
	}
	return labels, nil
}

func photographs(testdata fs.FS) ([]Image, error) {
	list, err := readJSON[[]photograph](testdata, "images/manifest.json")
	if err != nil {
		return nil, err
	}
	out := make([]Image, len(list))
	for i, p := range list {
		data, err := fs.ReadFile(testdata, "images/"+p.File)
		if err != nil {
			return nil, fmt.Errorf("read inputs: %w", err)
		}
		out[i] = Image{ID: p.ID, Golden: true, JPEG: data}
	}
	return out, nil
}
