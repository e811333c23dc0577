package dev.fairlead.testserver;
public final class Main { public static void main(String[] a) {} }
