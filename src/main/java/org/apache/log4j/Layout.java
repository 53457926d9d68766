package org.apache.log4j;

/** How lines look: here as slf4j's backend has them. */
public abstract class Layout {}
