package org.apache.log4j;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.log4j.spi.LoggerRepository;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * A logger of slf4j that is not asked for before there is something to log: setting up its backend takes a rank longer than
 * all else at its start.
 */
public final class Logger {
    private static final Map<String, Logger> LOGGERS = new ConcurrentHashMap<>();
    private static final LoggerRepository REPOSITORY = new LoggerRepository() {
    };

    private final String name;
    private volatile @Nullable Level level; // null: slf4j decides

    private Logger(String name) {
        this.name = name;
    }

    /** The one of this name. */
    public static Logger getLogger(String name) {
        return LOGGERS.computeIfAbsent(name, Logger::new);
    }

    /** Its level counts for itself alone. */
    public static Logger getRootLogger() {
        return getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    }

    /** One and the same for all. */
    public LoggerRepository getLoggerRepository() {
        return REPOSITORY;
    }

    /** Logs only from this level on, and no more than slf4j lets through. */
    public void setLevel(Level level) {
        this.level = level;
    }

    /** Changes nothing. */
    public void addAppender(Appender appender) {}

    /** Whether {@link #debug} does something. */
    public boolean isDebugEnabled() {
        return passes(Level.DEBUG) && slf4j().isDebugEnabled();
    }

    /** @param message its text is logged */
    public void debug(@Nullable Object message) {
        if (passes(Level.DEBUG)) {
            slf4j().debug("{}", message);
        }
    }

    /** @param message its text is logged */
    public void info(@Nullable Object message) {
        if (passes(Level.INFO)) {
            slf4j().info("{}", message);
        }
    }

    /** @param message its text is logged, as an error */
    public void fatal(@Nullable Object message) {
        if (passes(Level.FATAL)) {
            slf4j().error("{}", message);
        }
    }

    private boolean passes(Level line) {
        Level least = level;
        return least == null || line.compareTo(least) >= 0;
    }

    private org.slf4j.Logger slf4j() {
        return LoggerFactory.getLogger(name);
    }
}
