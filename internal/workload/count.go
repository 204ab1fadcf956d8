package workload

import "io/fs"

// Counts is how many inputs lie in testdata.
type Counts struct {
	Photographs int         // each with a tensor
	Texts       map[int]int // by bucket
}

// Count counts the committed inputs.
func Count(testdata fs.FS) (Counts, error) {
	photos, err := readJSON[[]photograph](testdata, "images/manifest.json")
	if err != nil {
		return Counts{}, err
	}
	texts, err := readJSON[[]sentence](testdata, "texts/texts.json")
	if err != nil {
		return Counts{}, err
	}
	c := Counts{Photographs: len(photos), Texts: map[int]int{}}
	for _, t := range texts {
		c.Texts[t.Bucket]++
	}
	return c, nil
}
