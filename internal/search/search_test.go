package search_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/search"
)

var errOut = errors.New("out of order")

// sure is a probe that leaves nothing open.
func sure(holds bool) search.Answer {
	if holds {
		return search.Holds
	}
	return search.Fails
}

func TestHighest(t *testing.T) {
	plan := search.Plan{First: 100, Step: 1.25, Close: 1.1, Most: 12}
	for name, c := range map[string]struct {
		limit float64 // the highest load that holds
		tries int
	}{
		"just above the first": {101, 5},
		"the first fails":      {93, 5},
		"far above":            {900, 10},
		"far below":            {7, 12},
	} {
		t.Run(name, func(t *testing.T) {
			tried := 0
			got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (search.Answer, error) {
				tried++
				return sure(load <= c.limit), nil
			})
			require.NoError(t, err)
			require.True(t, got.Narrow(plan), "%+v after %d", got, tried)
			require.LessOrEqual(t, got.Holds, c.limit)
			require.Greater(t, got.Fails, c.limit)
			require.LessOrEqual(t, tried, c.tries)
		})
	}
}

func TestWholeNumbers(t *testing.T) {
	plan := search.Plan{First: 4, Step: 2, Close: 1.1, Least: 1, Most: 9, Whole: true}
	for limit, want := range map[float64]struct {
		tried []float64
		found search.Bracket
	}{
		0:  {[]float64{4, 2, 1}, search.Bracket{Fails: 1}},
		1:  {[]float64{4, 2, 1}, search.Bracket{Holds: 1, Likely: 1, Fails: 2}},
		3:  {[]float64{4, 2, 3}, search.Bracket{Holds: 3, Likely: 3, Fails: 4}},
		4:  {[]float64{4, 8, 6, 5}, search.Bracket{Holds: 4, Likely: 4, Fails: 5}},
		46: {[]float64{4, 8, 32, 128, 64, 45, 54, 49}, search.Bracket{Holds: 45, Likely: 45, Fails: 49}},
		17: {[]float64{4, 8, 32, 16, 23, 19, 17, 18}, search.Bracket{Holds: 17, Likely: 17, Fails: 18}},
	} {
		var tried []float64
		got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (search.Answer, error) {
			tried = append(tried, load)
			return sure(load <= limit), nil
		})
		require.NoError(t, err)
		require.Equal(t, want.tried, tried)
		require.Equal(t, want.found, got)
		require.Equal(t, limit > 0, got.Narrow(plan))
	}
}

func TestNothingHoldsAndNothingFails(t *testing.T) {
	plan := search.Plan{First: 100, Step: 2, Close: 1.1, Most: 4}
	for _, holds := range []bool{false, true} {
		var tried []float64
		got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (search.Answer, error) {
			tried = append(tried, load)
			return sure(holds), nil
		})
		require.NoError(t, err)
		require.False(t, got.Narrow(plan))
		if holds {
			require.Equal(t, []float64{100, 200, 800, 3200}, tried)
			require.Equal(t, search.Bracket{Holds: 3200, Likely: 3200}, got)
		} else {
			require.Equal(t, []float64{100, 50, 12.5, 3.125}, tried)
			require.Equal(t, search.Bracket{Fails: 3.125}, got)
		}
	}
}

func TestNothingIsTriedUnderTheLeast(t *testing.T) {
	plan := search.Plan{First: 100, Step: 2, Close: 1.1, Least: 20, Most: 9}
	tried := 0
	got, err := search.Highest(t.Context(), plan, func(context.Context, float64) (search.Answer, error) {
		tried++
		return search.Fails, nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, tried)
	require.Equal(t, search.Bracket{Fails: 50}, got)
}

func TestErrorEndsTheSearchAndKeepsWhatWasFound(t *testing.T) {
	plan := search.Plan{First: 100, Step: 2, Close: 1.1, Most: 9}
	got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (search.Answer, error) {
		if load > 100 {
			return search.Fails, errOut
		}
		return search.Holds, nil
	})
	require.ErrorIs(t, err, errOut)
	require.ErrorContains(t, err, "search at 200: ")
	require.Equal(t, search.Bracket{Holds: 100, Likely: 100}, got)
}

func TestPlansThatMakeNoSense(t *testing.T) {
	good := search.Plan{First: 1, Step: 2, Close: 1.1, Most: 1}
	for name, spoil := range map[string]func(*search.Plan){
		"first": func(p *search.Plan) { p.First = 0 },
		"step":  func(p *search.Plan) { p.Step = 1 },
		"close": func(p *search.Plan) { p.Close = 1 },
		"most":  func(p *search.Plan) { p.Most = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			spoil(&p)
			_, err := search.Highest(t.Context(), p, func(context.Context, float64) (search.Answer, error) {
				t.Error("nothing may be tried")
				return search.Holds, nil
			})
			require.Error(t, err)
		})
	}
}

func TestWhatIsLeftOpenIsAnInterval(t *testing.T) {
	plan := search.Plan{First: 100, Step: 1.25, Close: 1.05, Least: 10, Most: 12}
	open := func(_ context.Context, load float64) (search.Answer, error) {
		switch {
		case load < 90:
			return search.Holds, nil
		case load < 100:
			return search.Likely, nil
		case load < 112:
			return search.Unlikely, nil
		}
		return search.Fails, nil
	}
	got, err := search.Highest(t.Context(), plan, open)
	require.NoError(t, err)
	require.True(t, got.Known(plan))
	require.False(t, got.Narrow(plan))
	require.Less(t, got.Holds, 90.0)
	require.GreaterOrEqual(t, got.Likely, 90.0)
	require.Less(t, got.Likely, 100.0)
	require.GreaterOrEqual(t, got.Fails, 112.0)
}

func TestNothingIsTriedOverTheTop(t *testing.T) {
	plan := search.Plan{First: 4, Step: 2, Close: 1.1, Least: 1, Top: 100, Most: 12, Whole: true}
	var tried []float64
	got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (search.Answer, error) {
		tried = append(tried, load)
		return search.Holds, nil
	})
	require.NoError(t, err)
	require.Equal(t, []float64{4, 8, 32, 100}, tried)
	require.False(t, got.Known(plan))
}
