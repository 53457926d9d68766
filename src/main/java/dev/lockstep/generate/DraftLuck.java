package dev.lockstep.generate;

/** How often what is drafted for a sequence has been right: lately, and on the whole, which it falls back to. */
final class DraftLuck {
    /** Before anything is known. */
    private static final double START = 0.6;
    /** What one drafted token counts lately, and on the whole. */
    private static final double LATELY = 0.15;
    private static final double WHOLE = 0.03;
    /** What each token without a draft makes forgotten of what was lately, and on the whole. */
    private static final double FORGETTING = 0.01;
    private static final double TRYING_AGAIN = 0.001;
    private static final double MOST = 0.98;

    private double lately = START;
    private double whole = START;

    /** The most tokens of a draft of which the last is right with a probability of its cost at least, which is above 0. */
    int most(double cost) {
        return cost >= 1 ? 0 : (int) Math.min(Speculation.SLOTS, Math.log(cost) / Math.log(lately));
    }

    /** How many of so many will be right, on average. */
    double expected(int drafted) {
        return lately * (1 - Math.pow(lately, drafted)) / (1 - lately);
    }

    /** Of so many tokens the first ones were right, and the next, if there was one, was not. */
    void took(int drafted, int right) {
        for (int i = 0; i < right; i++) {
            count(1);
        }
        if (right < drafted) {
            count(0);
        }
    }

    private void count(int right) {
        lately = Math.min(MOST, lately + LATELY * (right - lately));
        whole = Math.min(MOST, whole + WHOLE * (right - whole));
    }

    /** So many tokens came without a draft. */
    void rested(int tokens) {
        whole = START + Math.pow(1 - TRYING_AGAIN, tokens) * (whole - START);
        lately = whole + Math.pow(1 - FORGETTING, tokens) * (lately - whole);
    }
}
