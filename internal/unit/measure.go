package unit

// Measure says how a unit's value comes about.
type Measure struct {
	Kind       Kind
	Percent    int    // of a percentile
	Of         Series // that it ranks
	Item       Item   // of a rate, of its inverse and of a cost
	Throughput bool   // of a rate: a load's answers or what they carry, and no other selection of them
}

// Kind is what a value is, and so what may be done with it.
type Kind string

const (
	Percentile Kind = "percentile" // nearest rank in a raw series
	Rate       Kind = "rate"       // items ÷ issue span
	Inverse    Kind = "time"       // issue span ÷ items
	Cost       Kind = "cost"       // of an item
	Share      Kind = "share"      // of a whole, %
	Mean       Kind = "mean"       // over the window
	Peak       Kind = "peak"       // the most in the window
	Once       Kind = "once"       // of a stack or its answers, not of a window
	Sought     Kind = "sought"     // found by a search, of which every probe is a window
)

// Item is what a rate counts.
type Item string

const (
	Requests Item = "requests"
	Images   Item = "images"
	Texts    Item = "texts"
	Tokens   Item = "tokens"
	Carried  Item = "items" // images, texts or tokens, by what the work is
)

// Series is a raw series of times of a window, in the order of issue.
type Series string

const (
	NoSeries  Series = ""
	Response  Series = "response"  // response times of the good answers
	FirstText Series = "ttft"      // to the first chunk with text, of streams
	TokenGap  Series = "itl"       // mean time between a stream's tokens
	ChunkGap  Series = "chunk-gap" // between chunks with text, of all streams together
	Lateness  Series = "late"      // of sends behind their schedule
)

// Sample is what a series has one time of.
func (s Series) Sample() string {
	if s == ChunkGap {
		return "gaps"
	}
	return "requests"
}

// Recorded lists the series that a trial keeps, so that trials can be pooled.
func Recorded() []Series { return []Series{Response, FirstText} }

// Needs is the smallest sample that shows a percentile at 99 % confidence with
// one request above it allowed, from the binomial distribution: MLPerf LoadGen's
// own minimum. TestNeeds computes it.
func Needs(percent int) int {
	switch percent {
	case 50:
		return 11
	case 95:
		return 130
	case 99:
		return 662
	}
	return 1
}

// Needs is the sample under which the unit is not published, failures included.
func (u Unit) Needs() int {
	if u.Measure.Kind != Percentile {
		return 1
	}
	return Needs(u.Measure.Percent)
}

// Percentiles lists the units that rank a series.
func Percentiles(of Series) []Unit {
	var out []Unit
	for _, u := range All() {
		if u.Measure.Kind == Percentile && u.Measure.Of == of {
			out = append(out, u)
		}
	}
	return out
}

// Ranked is the series that a unit ranks, and the percent; false of a unit that
// is no percentile.
func (n Name) Ranked() (of Series, percent int, ok bool) {
	u, _ := Find(n)
	return u.Measure.Of, u.Measure.Percent, u.Measure.Kind == Percentile
}

// Latencies lists the percentiles of the response time.
func Latencies() []Name {
	return names(func(u Unit) bool { return u.Measure.Kind == Percentile && u.Measure.Of == Response })
}

// Throughputs lists the rates of what a load is asked to do, that of requests
// last: where one of items is measured, it says more.
func Throughputs() []Name {
	of := func(requests bool) []Name {
		return names(func(u Unit) bool { return u.Measure.Throughput && (u.Measure.Item == Requests) == requests })
	}
	return append(of(false), of(true)...)
}

// Throughput says of a unit that it is such a rate.
func (n Name) Throughput() bool {
	u, _ := Find(n)
	return u.Measure.Throughput
}

// PerSpan says of a unit that it divides by the issue span, or the other way:
// where users sent nothing, it is no figure of all of them.
func (n Name) PerSpan() bool {
	u, _ := Find(n)
	return u.Measure.Kind == Rate || u.Measure.Kind == Inverse
}

// Tail says of a unit that it is of the slowest requests: these differ more.
func (n Name) Tail() bool {
	u, _ := Find(n)
	return u.Measure.Kind == Percentile && u.Measure.Percent > 50
}

// Sought says of a unit that a search finds it.
func (n Name) Sought() bool {
	u, _ := Find(n)
	return u.Measure.Kind == Sought
}

// words are the measure as the page of units says it.
func (m Measure) words() string {
	switch m.Kind {
	case Percentile:
		return percentileOf(m.Percent) + " of `" + string(m.Of) + "`"
	case Rate:
		return "rate of " + string(m.Item)
	case Inverse, Cost:
		return string(m.Kind) + " of " + string(m.Item)
	case Sought:
		return "found by a search"
	}
	return string(m.Kind)
}
