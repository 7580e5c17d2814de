package graph

import (
	"context"

	"eventstream/graph/model"
	"eventstream/server/apperr"
	"eventstream/server/retention"
)

// toRules reads a list of rules, each kind once at most.
func toRules(list []*model.RetentionRuleInput) (retention.Rules, error) {
	rules := retention.Rules{}
	for _, in := range list {
		k := lower[retention.Kind](in.Kind)
		if _, twice := rules[k]; twice {
			return nil, apperr.Invalid("rules", "%s is named twice", in.Kind)
		}
		rules[k] = in.Days
	}
	return rules, nil
}

func (r *Resolver) retentionRules(ctx context.Context) ([]*model.RetentionRule, error) {
	rules, err := r.Retention.Rules(ctx)
	return mapped(rules, func(rule retention.Rule) *model.RetentionRule {
		out := &model.RetentionRule{
			Kind: upper[model.RetentionKind](rule.Kind), MinimumDays: retention.Minimum[rule.Kind], Removed: rule.Removed,
			FinishedAt: rule.FinishedAt,
		}
		if rule.Days != 0 {
			out.Days = &rule.Days
		}
		return out
	}), err
}
