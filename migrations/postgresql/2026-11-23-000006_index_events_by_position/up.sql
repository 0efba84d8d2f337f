-- Without the unnumbered ones: there is one index for either kind, so that no planner can take the wrong one.
CREATE UNIQUE INDEX events_position_key ON events (position) WHERE position IS NOT NULL;
