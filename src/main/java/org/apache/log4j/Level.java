package org.apache.log4j;

/** How much is logged: lines of a level and of those after it. */
public enum Level {
    /** Everything. */
    ALL,
    /** The finest. */
    TRACE,
    /** What only its makers understand. */
    DEBUG,
    /** What goes well. */
    INFO,
    /** What may go wrong. */
    WARN,
    /** What has gone wrong. */
    ERROR,
    /** What nothing comes after. */
    FATAL,
    /** Nothing. */
    OFF;

    /** The level of this name in any case; the other one where there is none. */
    public static Level toLevel(String name, Level otherwise) {
        for (Level level : values()) {
            if (level.name().equalsIgnoreCase(name)) {
                return level;
            }
        }
        return otherwise;
    }
}
