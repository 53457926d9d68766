package org.apache.log4j;

/** What MPJ Express would have its lines look like. */
public class PatternLayout extends Layout {
    /** @param pattern is not followed */
    public PatternLayout(String pattern) {}
}
