package workload

import "io/fs"

// Committed is how many inputs lie in testdata: drawing that many gives each
// of them once.
type Committed struct {
	Photographs int         // each with a tensor
	Texts       map[int]int // by bucket
}

// Count counts the committed inputs.
func Count(testdata fs.FS) (Committed, error) {
	photos, err := readJSON[[]photograph](testdata, "images/manifest.json")
	if err != nil {
		return Committed{}, err
	}
	texts, err := readJSON[[]sentence](testdata, "texts/texts.json")
	if err != nil {
		return Committed{}, err
	}
	c := Committed{Photographs: len(photos), Texts: map[int]int{}}
	for _, t := range texts {
		c.Texts[t.Bucket]++
	}
	return c, nil
}
