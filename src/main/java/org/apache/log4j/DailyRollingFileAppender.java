package org.apache.log4j;

/** What MPJ Express would write its lines into, in its own directory; no file is made. */
public class DailyRollingFileAppender implements Appender {
    /** None of this is followed. */
    public DailyRollingFileAppender(Layout layout, String file, String datePattern) {}
}
