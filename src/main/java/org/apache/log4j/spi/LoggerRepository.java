package org.apache.log4j.spi;

/** MPJ Express asks for one and does nothing with it. */
public interface LoggerRepository {}
