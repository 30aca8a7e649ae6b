/* SPDX-License-Identifier: BSD-3-Clause */

#include "fluxloss/trial.h"

double trial_offered(const struct trial *t)
{
	return (double)t->generated / t->seconds / 1e6;
}

double trial_taken(const struct trial *t)
{
	return (double)(t->generated - t->lost) / (t->seconds - t->away_seconds) / 1e6;
}

bool trial_short(const struct trial *t)
{
	return (double)t->withheld > TRIAL_SHORT * t->asked_mpps * 1e6 * t->asked_seconds;
}

bool trial_disturbed(const struct trial *t)
{
	bool excused = t->lost > 0 && t->worker_waited * t->asked_mpps * 1e6 >= (double)t->lost;

	return t->asked_mpps > 0 && (trial_short(t) || excused);
}
