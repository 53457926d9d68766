package org.apache.log4j;

/** Where lines go: here always to slf4j. */
public interface Appender {}
