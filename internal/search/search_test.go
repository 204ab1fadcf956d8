package search_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/search"
)

var errOut = errors.New("out of order")

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
			got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (bool, error) {
				tried++
				return load <= c.limit, nil
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
		1:  {[]float64{4, 2, 1}, search.Bracket{Holds: 1, Fails: 2}},
		3:  {[]float64{4, 2, 3}, search.Bracket{Holds: 3, Fails: 4}},
		4:  {[]float64{4, 8, 6, 5}, search.Bracket{Holds: 4, Fails: 5}},
		17: {[]float64{4, 8, 32, 16, 23, 19, 17, 18}, search.Bracket{Holds: 17, Fails: 18}},
	} {
		var tried []float64
		got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (bool, error) {
			tried = append(tried, load)
			return load <= limit, nil
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
		got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (bool, error) {
			tried = append(tried, load)
			return holds, nil
		})
		require.NoError(t, err)
		require.False(t, got.Narrow(plan))
		if holds {
			require.Equal(t, []float64{100, 200, 800, 6400}, tried)
			require.Equal(t, search.Bracket{Holds: 6400}, got)
		} else {
			require.Equal(t, []float64{100, 50, 12.5, 1.5625}, tried)
			require.Equal(t, search.Bracket{Fails: 1.5625}, got)
		}
	}
}

func TestNothingIsTriedUnderTheLeast(t *testing.T) {
	plan := search.Plan{First: 100, Step: 2, Close: 1.1, Least: 20, Most: 9}
	tried := 0
	got, err := search.Highest(t.Context(), plan, func(context.Context, float64) (bool, error) {
		tried++
		return false, nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, tried)
	require.Equal(t, search.Bracket{Fails: 50}, got)
}

func TestErrorEndsTheSearchAndKeepsWhatWasFound(t *testing.T) {
	plan := search.Plan{First: 100, Step: 2, Close: 1.1, Most: 9}
	got, err := search.Highest(t.Context(), plan, func(_ context.Context, load float64) (bool, error) {
		if load > 100 {
			return false, errOut
		}
		return true, nil
	})
	require.ErrorIs(t, err, errOut)
	require.ErrorContains(t, err, "search at 200: ")
	require.Equal(t, search.Bracket{Holds: 100}, got)
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
			_, err := search.Highest(t.Context(), p, func(context.Context, float64) (bool, error) {
				t.Error("nothing may be tried")
				return true, nil
			})
			require.Error(t, err)
		})
	}
}
