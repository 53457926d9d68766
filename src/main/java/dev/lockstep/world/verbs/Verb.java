package dev.lockstep.world.verbs;

import java.util.Locale;

/** The collectives, in the order of their codes between ranks. */
public enum Verb {
    BARRIER, BROADCAST, SCATTER, GATHER, GATHER_EACH, ALL_GATHER, ALL_TO_ALL, REDUCE, ALL_REDUCE, GROUP, SCAN,
    EXSCAN, REDUCE_SCATTER, FARM, DEVICE;

    /** As the method is called. */
    @Override
    public String toString() {
        String[] words = name().toLowerCase(Locale.ROOT).split("_");
        StringBuilder text = new StringBuilder(words[0]);
        for (int i = 1; i < words.length; i++) {
            text.append(Character.toUpperCase(words[i].charAt(0))).append(words[i].substring(1));
        }
        return text.toString();
    }
}
